"""Patches, masks and the loss of hidden patches against loops, torch's unfold and closed forms."""

import math
import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.practice.masking import (
    cut_patches,
    join_patches,
    masked_patch_loss,
    random_patch_mask,
    shown_patches,
    with_mask_tokens,
)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def draws(b, n, seed=0):
    return torch.rand(b, n, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=15)
@given(
    b=st.integers(1, 3),
    c=st.integers(1, 3),
    rows=st.integers(1, 3),
    columns=st.integers(1, 4),
    side=st.integers(1, 4),
)
def test_patches_are_torchs_unfold_and_come_back(b, c, rows, columns, side):
    x = noise(b, c, rows * side, columns * side)
    patches = cut_patches(x, side)
    assert torch.equal(patches, torch.nn.functional.unfold(x, side, stride=side).mT)
    assert torch.equal(join_patches(patches, side, rows), x)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 20), share=st.floats(0, 1))
def test_every_picture_hides_as_many(seed, n, share):
    hidden = random_patch_mask(draws(4, n, seed), share)
    count = min(max(round(n * share), 1), n - 1)
    assert hidden.sum(1).tolist() == [count] * 4
    # A hidden patch has drawn more than every shown one.
    d = draws(4, n, seed)
    assert all(d[i][hidden[i]].min() >= d[i][~hidden[i]].max() for i in range(4))


def test_every_patch_is_hidden_equally_often():
    """16 patches of 4,000 pictures, three quarters: 3,000 each, with a deviation of 27."""
    often = random_patch_mask(draws(4000, 16), 0.75).sum(0)
    assert (often - 3000).abs().max() < 4.5 * 27.4
    assert len({tuple(row.tolist()) for row in random_patch_mask(draws(40, 16))}) > 30


def test_shown_patches_go_back_to_their_places():
    x, token, hidden = noise(3, 8, 5), noise(5, seed=1), random_patch_mask(draws(3, 8), 0.6)
    shown = shown_patches(x, hidden)
    assert shown.shape == (3, 3, 5)
    full = with_mask_tokens(shown, token, hidden)
    for i in range(3):
        rows = [x[i, j] for j in range(8) if not hidden[i, j]]
        assert torch.equal(shown[i], torch.stack(rows))
        for j in range(8):
            assert torch.equal(full[i, j], token if hidden[i, j] else x[i, j])


def test_gradients_reach_only_what_took_part():
    x, token = noise(2, 6, 3).requires_grad_(), noise(3, seed=1).requires_grad_()
    hidden = random_patch_mask(draws(2, 6), 0.5)
    both = lambda x, t: with_mask_tokens(shown_patches(x, hidden), t, hidden)  # noqa: E731
    assert torch.autograd.gradcheck(both, (x, token))
    slopes = torch.autograd.grad(both(x, token).sum(), (x, token))
    assert torch.equal(slopes[0], (~hidden)[..., None].expand_as(x).double())
    assert slopes[1].tolist() == [6.0] * 3
    target = noise(2, 6, 3, seed=2)
    assert torch.autograd.gradcheck(lambda x: masked_patch_loss(x, target, hidden), x)
    (slope,) = torch.autograd.grad(masked_patch_loss(x, target, hidden, False), x)
    torch.testing.assert_close(slope, 2 * torch.where(hidden[..., None], x - target, 0).detach() / 18)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), p=st.integers(2, 5), normalised=st.booleans())
def test_the_loss_is_the_mean_over_hidden_patches_written_out(seed, p, normalised):
    prediction, target = noise(3, 6, p, seed=seed), 3 * noise(3, 6, p, seed=seed + 1) + 5
    hidden = random_patch_mask(draws(3, 6, seed), 0.5)
    each = []
    for i in range(3):
        for j in range(6):
            if hidden[i, j]:
                t = target[i, j].tolist()
                if normalised:
                    mean, deviation = statistics.mean(t), math.sqrt(statistics.variance(t) + 1e-6)
                    t = [(v - mean) / deviation for v in t]
                each.append(
                    statistics.mean((a - b) ** 2 for a, b in zip(prediction[i, j].tolist(), t, strict=True))
                )
    found = masked_patch_loss(prediction, target, hidden, normalised).item()
    assert found == pytest.approx(statistics.mean(each), rel=1e-9)


def test_what_is_shown_does_not_count():
    prediction, target = noise(2, 4, 3), noise(2, 4, 3, seed=1)
    hidden = random_patch_mask(draws(2, 4), 0.5)
    wanted = masked_patch_loss(prediction, target, hidden)
    for spoilt in (1e30, math.inf, math.nan):
        other = torch.where(hidden[..., None], prediction, spoilt)
        assert masked_patch_loss(other, target, hidden) == wanted


def test_a_patch_of_one_colour_and_half_precision():
    flat = torch.full((1, 2, 12), 0.7)
    hidden = torch.tensor([[True, False]])
    assert masked_patch_loss(torch.zeros(1, 2, 12), flat, hidden).item() == pytest.approx(0, abs=1e-6)
    large = torch.full((1, 2, 12), 300.0, dtype=torch.float16)  # its square is no float16
    found = masked_patch_loss(large, -large, hidden, normalised=False)
    assert found.dtype == torch.float32 and found.item() == 360000


def test_normalised_targets_know_no_brightness_and_no_contrast():
    prediction, target = noise(2, 4, 6), noise(2, 4, 6, seed=1)
    hidden = random_patch_mask(draws(2, 4), 0.5)
    one, other = (masked_patch_loss(prediction, t, hidden) for t in (target, 4 * target + 9))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=0)  # but for what is added to the variance
    plain = masked_patch_loss(prediction, 4 * target + 9, hidden, normalised=False)
    assert plain > 10 * other


H = torch.tensor([[True, False, True]])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: cut_patches(noise(1, 3, 10, 8), 4), "multiples of 4"),
        (lambda: cut_patches(noise(1, 3, 8, 8), 0), "side is 0"),
        (lambda: cut_patches(noise(3, 8, 8), 4), r"x.unsqueeze\(0\)"),
        (lambda: join_patches(noise(1, 6, 8), 2, 4), "a multiple of 4 patches"),
        (lambda: random_patch_mask(draws(2, 1)), "two patches or more"),
        (lambda: random_patch_mask(draws(2, 4), 1.5), "share is 1.5"),
        (lambda: random_patch_mask(draws(2, 4), math.nan), "share is nan"),
        (lambda: shown_patches(noise(2, 3, 4), torch.cat([H, ~H])), "show 1 to 2 patches"),
        (lambda: shown_patches(noise(1, 3, 4), H.long()), "bool was wanted"),
        (lambda: with_mask_tokens(noise(1, 2, 4), noise(4), H), "leaves 1 patches"),
        (lambda: with_mask_tokens(noise(1, 1, 4), noise(1), H), r"\(4,\) was wanted"),
        (lambda: masked_patch_loss(noise(1, 3, 4), noise(1, 3, 4), H & False), "no patch is hidden"),
        (lambda: masked_patch_loss(noise(1, 3, 1), noise(1, 3, 1), H), "two or more were wanted"),
        (lambda: masked_patch_loss(noise(1, 3, 4), noise(1, 3, 1), H), "equal ones were wanted"),
        (lambda: masked_patch_loss(noise(2, 3, 4), noise(2, 3, 4), H), r"\(2, 3\) was wanted"),
    ],
)
def test_what_makes_no_sense_is_refused(unchecked, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
