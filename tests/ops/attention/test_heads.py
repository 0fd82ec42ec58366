"""Heads against torch's own multi-head attention and its grouped attention, in value and gradient."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradschool.ops.attention import attend
from gradschool.ops.attention import heads as ops

LAYERS = [ops.attend_in_groups.plain, ops.attend_in_groups.fast]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


@given(b=st.integers(1, 3), t=st.integers(1, 5), h=st.integers(1, 4), d=st.integers(1, 4))
def test_heads_are_pieces_of_the_vector_and_are_put_together_again(b, t, h, d):
    x = noise(b, t, h * d)
    cut = ops.split_heads(x, h)
    for head in range(h):
        assert torch.equal(cut[:, head], x[..., head * d : (head + 1) * d])
    assert torch.equal(ops.join_heads(cut), x)
    assert torch.equal(ops.split_heads(x[0], h), cut[0])


def test_with_projections_it_is_torchs_multi_head_attention():
    theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True, dtype=torch.float64)
    x = noise(2, 5, 12)
    q, k, v = (ops.split_heads(part, 3) for part in (x @ theirs.in_proj_weight.T).chunk(3, -1))
    ours = ops.join_heads(attend(q, k, v)) @ theirs.out_proj.weight.T
    torch.testing.assert_close(ours, theirs(x, x, x)[0], rtol=1e-10, atol=1e-12)  # float64, 12 terms


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("h", "g"), [(4, 4), (4, 2), (6, 2), (3, 1)])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_groups_are_torchs_in_value_and_gradient(layer, h, g, masked, causal):
    q, k, v = noise(2, h, 5, 4), noise(2, g, 7, 4, seed=1), noise(2, g, 7, 3, seed=2)
    mask = noise(2, 1, 5, 7, seed=3) > 0 if masked else None
    both = torch.ones(5, 7, dtype=torch.bool).tril() if causal else torch.ones(5, 7, dtype=torch.bool)
    both = both if mask is None else both & mask
    ours = layer(q, k, v, mask, causal)
    many = [x.repeat_interleave(h // g, 1) for x in (k, v)]
    wanted = F.scaled_dot_product_attention(q, *many, both)
    torch.testing.assert_close(ours, wanted, rtol=1e-10, atol=1e-12)  # float64, sums of at most 7 terms
    up = noise(*ours.shape, seed=4).detach()
    ways = (torch.autograd.grad(y, (q, k, v), up) for y in (ours, wanted))
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_a_copy_of_a_head_of_keys_is_not_made_by_repeating_it():
    k = noise(2, 2, 5, 4)
    many = ops.repeat_heads(k, 6)
    assert torch.equal(many, k.repeat_interleave(3, 1))
    (slope,) = torch.autograd.grad(many.sum(), k)
    assert torch.equal(slope, torch.full_like(k, 3.0))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(layer):
    q, k, v = noise(1, 4, 2, 3), noise(1, 2, 2, 3, seed=1), noise(1, 2, 2, 3, seed=2)
    y = layer(q, k, v, torch.tensor([[True, False], [False, False]]))
    assert torch.equal(y[..., 1, :], torch.zeros(1, 4, 3, dtype=y.dtype))
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(y.sum(), (q, k, v)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.split_heads(torch.ones(2, 7), 2), "7 numbers are to be cut into 2 heads, a divisor"),
        (lambda: ops.repeat_heads(torch.ones(3, 2, 1), 4), "4 heads are to share 3 groups of keys"),
        *(
            (
                lambda f=f: f(torch.ones(4, 2, 1), torch.ones(3, 2, 1), torch.ones(3, 2, 1)),
                "4 heads are to share 3 groups of keys, a divisor was wanted",
            )
            for f in LAYERS
        ),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
