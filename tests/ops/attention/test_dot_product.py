"""Attention against torch's own, in value and gradient, and against its closed forms."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.attention import attend

LAYERS = [attend.plain, attend.fast]


def inputs(n, m, d, e, dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = [(2, 3, n, d), (2, 3, m, d), (2, 3, m, e)]
    return [torch.randn(*s, generator=g, dtype=dtype).requires_grad_() for s in shapes]


@given(
    n=st.integers(1, 6),
    m=st.integers(1, 6),
    d=st.integers(1, 5),
    causal=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=30)
def test_plain_is_torch_in_value_and_gradient(n, m, d, causal, seed):
    q, k, v = inputs(n, m, d, 4, seed=seed)
    ours = attend.plain(q, k, v, causal=causal)
    theirs = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)  # float64, sums of at most 6 terms
    up = torch.randn_like(ours)
    ways_back = (torch.autograd.grad(y, (q, k, v), up) for y in (ours, theirs))
    for a, b in zip(*ways_back, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layer", LAYERS)
def test_mask_and_causal_together(layer):
    q, k, v = inputs(4, 4, 3, 2)
    mask = torch.rand(2, 1, 4, 4) > 0.4
    both = mask & torch.ones(4, 4, dtype=torch.bool).tril()
    want = F.scaled_dot_product_attention(q, k, v, both)
    torch.testing.assert_close(layer(q, k, v, mask, True), want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(layer):
    q, k, v = inputs(2, 3, 4, 5)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    y = layer(q, k, v, mask)
    assert torch.equal(y[..., 1, :], torch.zeros(2, 3, 5, dtype=y.dtype))
    assert all(g.isfinite().all() for g in torch.autograd.grad(y.sum(), (q, k, v)))


@pytest.mark.parametrize("layer", LAYERS)
def test_closed_forms(layer):
    q, k, v = inputs(3, 5, 4, 2)
    mean = v.mean(-2, keepdim=True).expand(2, 3, 3, 2)
    torch.testing.assert_close(layer(q * 0, k, v), mean)  # all scores equal: the plain mean
    torch.testing.assert_close(layer(q[..., :1, :], k[..., :1, :], v[..., :1, :]), v[..., :1, :])


def test_large_scores_stay_finite_in_half_precision():
    q, k, v = (t.detach().to(torch.bfloat16) * 100 for t in inputs(3, 3, 8, 2))
    assert attend.plain(q, k, v).isfinite().all()
