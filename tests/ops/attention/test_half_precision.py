"""Attention in half precision while it trains (its products are written out) against torch in float64."""

import pytest
import torch
import torch.nn.functional as F

from gradschool.ops.attention import attend
from gradschool.ops.attention.heads import attend_in_groups

# bfloat16 keeps 8 bits: scores of about 1 are off by 2^-8, and so are weights and means of values of about 1.
TOLERANCE = {"rtol": 0.05, "atol": 0.03}


def heads(g=4, n=5, m=7, dtype=torch.bfloat16):
    torch.manual_seed(0)
    shapes = [(2, 4, n, 8), (2, g, m, 8), (2, g, m, 6)]
    return [torch.randn(shape).to(dtype).requires_grad_() for shape in shapes]


def wanted_of(q, k, v, mask, causal):
    exact = [x.detach().double().requires_grad_() for x in (q, k, v)]
    k, v = (x.repeat_interleave(4 // x.shape[1], 1) for x in exact[1:])
    seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
    seen = seen.tril() if causal else seen
    seen = seen if mask is None else seen & mask
    return exact, F.scaled_dot_product_attention(exact[0], k, v, seen)


MASKS = {
    "none": None,
    "padding": torch.tensor([[1, 1, 1, 1, 1, 1, 0], [1, 0, 1, 1, 0, 1, 1]]).bool()[:, None, None],
    "nothing to see": torch.ones(5, 7).bool().index_fill(0, torch.tensor([1, 3]), False),
    "each head": torch.rand(2, 4, 5, 7, generator=torch.Generator().manual_seed(1)) > 0.3,
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_values_and_gradients(groups, mask, causal):
    q, k, v = heads(groups)
    exact, wanted = wanted_of(q, k, v, mask, causal)
    found = attend_in_groups.fast(q, k, v, mask, causal)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), wanted, **TOLERANCE)
    up = torch.ones_like(wanted)
    ours = torch.autograd.grad(found, (q, k, v), up.bfloat16())
    for a, b in zip(ours, torch.autograd.grad(wanted, exact, up), strict=True):
        torch.testing.assert_close(a.double(), b, rtol=0.05, atol=0.1)  # sums of up to 28 such numbers


def test_mixed_precision_computes_in_half_and_gives_back_gradients_in_full():
    q, k, v = heads(dtype=torch.float32)
    _, wanted = wanted_of(q, k, v, None, True)
    with torch.autocast("cpu", torch.bfloat16):
        found = attend.fast(q, k, v, causal=True)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), wanted, **TOLERANCE)
    assert {x.dtype for x in torch.autograd.grad(found.sum(), (q, k, v))} == {torch.float32}


def test_training_and_reading_agree():
    q, k, v = heads()
    with torch.no_grad():
        read = attend.fast(q, k, v, causal=True)
    torch.testing.assert_close(attend.fast(q, k, v, causal=True).detach(), read, **TOLERANCE)


def test_tensors_without_numbers_pass():
    q, k, v = (x.detach().to("meta").requires_grad_() for x in heads())
    assert attend.fast(q, k, v, causal=True).shape == (2, 4, 5, 6)
