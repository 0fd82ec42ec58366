"""Rotary positions against complex numbers in float64, and what they are for: only distances count."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.ops.attention import attend
from gradschool.ops.attention.masks import causal_mask, combined, mask_of_keys, padding_mask, positions_of
from gradschool.ops.attention.rotary import rope, rotary_angles, rotate


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def turned(x, positions, base, interleaved):
    """As complex numbers: z times e^(i m θ)."""
    d = x.shape[-1]
    theta = torch.tensor([base ** (-2 * i / d) for i in range(d // 2)], dtype=torch.float64)
    angles = positions[..., None, :, None].double() * theta
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., : d // 2], x[..., d // 2 :])
    z = torch.complex(a.double(), b.double()) * torch.polar(torch.ones_like(angles), angles)
    return torch.stack([z.real, z.imag], -1).flatten(-2) if interleaved else torch.cat([z.real, z.imag], -1)


@given(b=st.integers(1, 3), h=st.integers(1, 3), t=st.integers(1, 6), half=st.integers(1, 4),
       base=st.sampled_from([10.0, 10000.0, 5e5]), interleaved=st.booleans(), each=st.booleans())  # fmt: skip
def test_it_is_a_product_of_complex_numbers_with_its_gradient(b, h, t, half, base, interleaved, each):
    x = noise(b, h, t, 2 * half)
    positions = torch.randint(-50, 5000, (b, t) if each else (t,))
    ours, wanted = rope(x, positions, base, interleaved), turned(x, positions, base, interleaved)
    # float64 angles of at most 5000 radians, exact to 1e-12
    torch.testing.assert_close(ours, wanted, rtol=1e-10, atol=1e-11)
    up = noise(b, h, t, 2 * half, seed=1).detach()
    ways = (torch.autograd.grad(y, x, up)[0] for y in (ours, wanted))
    torch.testing.assert_close(*ways, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("interleaved", [False, True])
def test_lengths_stay_and_scores_depend_on_the_distance(interleaved):
    q, k = noise(1, 1, 1, 16), noise(1, 1, 1, 16, seed=1)

    def score(m, n):
        at = [torch.tensor([place]) for place in (m, n)]
        return (rope(q, at[0], interleaved=interleaved) * rope(k, at[1], interleaved=interleaved)).sum()

    for distance in (-3, 0, 5):
        scores = torch.stack([score(start, start + distance) for start in (0, 7, 900)])
        torch.testing.assert_close(scores, scores[:1].expand(3), rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(score(3, 3), (q * k).sum())
    far = rope(q, torch.tensor([12345]), interleaved=interleaved)
    torch.testing.assert_close(far.norm(), q.norm())


def test_both_forms_are_one_up_to_the_order_of_the_numbers():
    x, at = noise(2, 3, 5, 8), torch.arange(5)
    order = torch.tensor([0, 4, 1, 5, 2, 6, 3, 7])  # halves to neighbours
    torch.testing.assert_close(rope(x[..., order], at, interleaved=True), rope(x, at)[..., order])


def test_angles_are_rows_of_the_paper():
    angles = rotary_angles(torch.tensor([0, 1, 10]), 8)
    theta = [1, 0.1, 0.01, 0.001]
    torch.testing.assert_close(angles, torch.tensor([[0.0] * 4, theta, [10 * x for x in theta]]))


def test_left_padding_and_a_cache_turn_as_the_text_alone():
    """Attention of a text alone, of the text in a padded batch, and of its last tokens with the keys kept."""
    q, k, v = (noise(1, 2, 6, 8, seed=s, dtype=torch.float32).detach() for s in range(3))
    alone = attend(rope(q, torch.arange(6)), rope(k, torch.arange(6)), v, causal=True)
    pad = [torch.cat([torch.full((1, 2, 3, 8), 77.0), x], 2) for x in (q, k, v)]
    valid = padding_mask(torch.tensor([6]), 9, left=True)
    at = positions_of(valid)
    padded = attend(
        rope(pad[0], at), rope(pad[1], at), pad[2], combined(causal_mask(9, 9), mask_of_keys(valid))
    )
    torch.testing.assert_close(padded[:, :, 3:], alone, rtol=1e-5, atol=1e-6)  # other order of sums
    late = attend(rope(q[:, :, 4:], torch.tensor([4, 5])), rope(k, torch.arange(6)), v, causal_mask(2, 6, 4))
    torch.testing.assert_close(late, alone[:, :, 4:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_turned_in_float32_and_kept(dtype):
    x, at = noise(1, 2, 4, 8).detach().to(dtype), torch.tensor([0, 1, 4000, 4001])
    y = rope(x, at)
    assert y.dtype == dtype
    wanted = turned(x, at, 10000.0, False)
    # one rounding of the result; the angles are exact to 4001 * 6e-8
    torch.testing.assert_close(y.double(), wanted, rtol=torch.finfo(dtype).eps, atol=2e-3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rope(torch.ones(1, 2, 5), torch.arange(2)), "d is 5, an even number"),
        (lambda: rope(torch.ones(1, 2, 4), torch.arange(3)), r"positions has shape \(3,\)"),
        (lambda: rope(torch.ones(1, 2, 4), torch.ones(2)), "positions are of type torch.float32, int64"),
        (lambda: rotate(torch.ones(2, 4), torch.ones(2, 3)), r"angles has shape \(2, 3\)"),
        (lambda: rotary_angles(torch.arange(2), 4, -1.0), "base is -1.0"),
    ],
)
def test_refused(call, words, unchecked):
    with pytest.raises(ValueError, match=words):
        call()
