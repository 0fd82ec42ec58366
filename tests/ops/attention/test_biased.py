"""Attention with a bias against torch's, additive attention against loops and against finite differences."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from gradschool.ops.attention import biased as ops
from gradschool.ops.attention.positions import alibi_bias

LAYERS = [ops.attend_with_bias.plain, ops.attend_with_bias.fast]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_a_bias_is_torchs_mask_of_numbers_in_value_and_gradient(layer, masked, causal):
    q, k, v = noise(2, 3, 5, 4), noise(2, 3, 7, 4, seed=1), noise(2, 3, 7, 2, seed=2)
    bias, mask = noise(3, 5, 7, seed=3), noise(2, 1, 5, 7, seed=4) > -1 if masked else None
    hidden = torch.zeros(2, 1, 5, 7, dtype=torch.bool) if mask is None else ~mask
    if causal:
        hidden = hidden | torch.ones(5, 7, dtype=torch.bool).triu(1)
    ours = layer(q, k, v, bias, mask, causal)
    wanted = F.scaled_dot_product_attention(q, k, v, bias.masked_fill(hidden, -torch.inf))
    torch.testing.assert_close(ours, wanted, rtol=1e-10, atol=1e-12)  # float64, sums of at most 7 terms
    up = noise(*ours.shape, seed=5).detach()
    ways = (torch.autograd.grad(y, (q, k, v, bias), up) for y in (ours, wanted))
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_to_look_at_gives_zeros_and_finite_gradients(layer):
    q, k, v, bias = noise(1, 2, 3), noise(1, 2, 3, seed=1), noise(1, 2, 3, seed=2), noise(1, 2, 2, seed=3)
    y = layer(q, k, v, bias, torch.tensor([[True, True], [False, False]]))
    assert torch.equal(y[:, 1], torch.zeros(1, 3, dtype=y.dtype))
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(y.sum(), (q, k, v, bias)))


@pytest.mark.parametrize("layer", LAYERS)
def test_alibi_with_a_cache_is_the_whole_text(layer):
    q, k, v = (noise(1, 4, 6, 8, seed=s) for s in range(3))
    whole = layer(q, k, v, alibi_bias(6, 6, 4).double(), causal=True)
    mask = torch.ones(2, 6, dtype=torch.bool).tril(4)
    late = layer(q[:, :, 4:], k, v, alibi_bias(2, 6, 4, 4).double(), mask)
    torch.testing.assert_close(late, whole[:, :, 4:], rtol=1e-10, atol=1e-12)


def test_weights_sum_to_one_or_to_nothing_at_any_size_and_precision():
    mask = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    for dtype, size in ((torch.float16, 6e4), (torch.bfloat16, 1e38), (torch.float32, 3e38)):
        scores = (size * torch.tensor([[1.0, -1.0, 0.5]])).expand(3, 3).to(dtype)
        found = ops.weights_of(scores, mask)
        assert found.dtype == dtype and found.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 0]]
    torch.testing.assert_close(ops.weights_of(noise(4, 5)), torch.softmax(noise(4, 5), -1))
    even = ops.weights_of(torch.zeros(1, 1, 70_000, dtype=torch.float16))  # their sum is no float16 any more
    assert (even == torch.tensor(1 / 70_000).half()).all()
    assert gradcheck(lambda s: ops.weights_of(s, mask), noise(2, 3, 3))


def test_additive_attention_by_the_papers_sum():
    leaves = noise(2, 3, 5), noise(2, 4, 5, seed=1), noise(2, 4, 6, seed=2), noise(5, seed=3)
    q, k, v, w = (x.detach() for x in leaves)
    mask = torch.tensor([[True, True, False, True], [False] * 4])[:, None]
    context, weights = ops.additive_attend(q, k, v, w, mask)
    for i in range(3):
        energy = [
            math.exp(sum((w[a] * math.tanh(q[0, i, a] + k[0, j, a])).item() for a in range(5)))
            for j in (0, 1, 3)
        ]
        shares = torch.tensor([energy[0], energy[1], 0, energy[2]], dtype=torch.float64) / sum(energy)
        torch.testing.assert_close(weights[0, i], shares)
        torch.testing.assert_close(context[0, i], shares @ v[0])
    assert not context[1].any() and not weights[1].any()
    assert gradcheck(lambda *x: ops.additive_attend(*x, mask)[0], leaves)


def test_refused():
    x = torch.ones(2, 3, 4)
    for layer in LAYERS:
        with pytest.raises(ValueError, match=r"bias has shape \(2, 4\)"):
            layer(x, x, x, torch.ones(2, 4))
    with pytest.raises(ValueError, match=r"w has shape \(5,\), \(4,\) was wanted"):
        ops.additive_attend.plain(x, x, x, torch.ones(5))
