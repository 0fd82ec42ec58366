"""Attention in tiles against `attend` and torch's, in value and gradient, whatever the tiles; its memory."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from gradschool.ops.attention import attend
from gradschool.ops.attention import flash as ops

LAYERS = [ops.flash_attend.plain, ops.flash_attend.fast]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def triple(n, m, d=4, e=3, dtype=torch.float64, size=1.0):
    shapes = (2, 2, n, d), (2, 2, m, d), (2, 2, m, e)
    return [(size * noise(*s, seed=i).detach()).to(dtype).requires_grad_() for i, s in enumerate(shapes)]


@given(n=st.integers(1, 9), m=st.integers(1, 9), tile=st.integers(1, 10), causal=st.booleans(),
       mask=st.sampled_from(["", "all", "keys", "queries"]), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=40)
def test_tiles_change_nothing_in_value_or_gradient(n, m, tile, causal, mask, seed):
    q, k, v = triple(n, m)
    shape = {"all": (2, 1, n, m), "keys": (2, 1, 1, m), "queries": (n, 1)}.get(mask)
    seen = None if shape is None else noise(*shape, seed=seed) > -0.5
    back = torch.ones(n, m, dtype=torch.bool).tril() if causal else torch.ones(n, m, dtype=torch.bool)
    ours = ops.flash_attend.plain(q, k, v, seen, causal, tile)
    wanted = F.scaled_dot_product_attention(q, k, v, back if seen is None else back & seen)
    torch.testing.assert_close(ours, wanted, rtol=1e-10, atol=1e-12)  # float64, sums of at most 9 terms
    up = noise(*ours.shape, seed=5).detach()
    ways = [torch.autograd.grad(y, (q, k, v), up) for y in (ours, wanted)]
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_written_gradient_is_that_of_differences_and_of_attend(layer):
    q, k, v = (x[:1, :1].detach().requires_grad_() for x in triple(3, 4, 2, 2))
    mask = noise(3, 4, seed=8) > -0.5
    assert gradcheck(lambda *x: layer(*x, mask, True, 2), (q, k, v))
    torch.testing.assert_close(layer(q, k, v, mask, True, 2), attend.plain(q, k, v, mask, True))


def test_autograd_through_the_tiles_gives_the_same_gradient():
    q, k, v = triple(5, 7)
    mask = noise(5, 7, seed=8) > -0.5
    through, _ = ops.flash_forward(q, k, v, mask, True, 3)
    up = noise(*through.shape, seed=5).detach()
    ways = [torch.autograd.grad(y, (q, k, v), up)
            for y in (through, ops.flash_attend.plain(q, k, v, mask, True, 2))]  # fmt: skip
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_logarithms_of_sums_are_torchs():
    q, k, v = triple(4, 6)
    mask = torch.ones(4, 6, dtype=torch.bool)
    mask[2] = False
    _, logs = ops.flash_forward(q, k, v, mask, tile=4)
    scores = (q @ k.transpose(-2, -1) / 2).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(logs, scores.logsumexp(-1))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("tile", [1, 2, 8])
def test_a_query_that_sees_nothing_gets_zeros_and_no_gradient(layer, tile):
    q, k, v = triple(3, 4)
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1], mask[2, :2] = False, False
    y = layer(q, k, v, mask, False, tile)
    assert not y[..., 1, :].any()
    slopes = torch.autograd.grad(y.sum(), (q, k, v))
    assert all(slope.isfinite().all() for slope in slopes) and not slopes[0][..., 1, :].any()


def test_scores_that_grow_from_tile_to_tile_do_not_overflow():
    """Scores of 0, 300, 600 ...: every tile outweighs all before it. And of +-1e30."""
    q = torch.ones(1, 1, 1, 1, requires_grad=True)
    k, v = 300 * torch.arange(8.0).view(1, 1, 8, 1), noise(1, 1, 8, 2, dtype=torch.float32)
    for order in (torch.arange(8), torch.arange(7, -1, -1)):
        y = ops.flash_attend.plain(q, k[:, :, order], v[:, :, order], tile=2)
        torch.testing.assert_close(y[0, 0, 0], v[0, 0, 7])
        assert torch.autograd.grad(y.sum(), q)[0].isfinite()
    q, k, v = triple(4, 6, dtype=torch.float32, size=1e15)
    y = ops.flash_attend.plain(q, k, v, tile=2)
    torch.testing.assert_close(y, attend.plain(q, k, v))
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(y.sum(), (q, k, v)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    """70,000 equal weights, whose sum is no float16 any more; and one rounding of what float64 gives."""
    q, k = torch.zeros(1, 1, 2, 4, dtype=dtype), torch.zeros(1, 1, 70_000, 4, dtype=dtype)
    v = torch.ones(1, 1, 70_000, 1, dtype=dtype)
    y, logs = ops.flash_forward(q, k, v, tile=7000)
    assert y.dtype == dtype and logs.dtype == torch.float32 and (y == 1).all()
    q, k, v = triple(9, 9, dtype=dtype)
    ours = ops.flash_attend.plain(q, k, v, causal=True, tile=4)
    wide = [x.detach().double().requires_grad_() for x in (q, k, v)]
    wanted = F.scaled_dot_product_attention(*wide, is_causal=True)
    eps = torch.finfo(dtype).eps  # one rounding of each result
    torch.testing.assert_close(ours.double(), wanted, rtol=eps, atol=eps)
    slopes = torch.autograd.grad(ours.sum(), (q, k, v))
    for slope, right in zip(slopes, torch.autograd.grad(wanted.sum(), wide), strict=True):
        assert slope.dtype == dtype
        torch.testing.assert_close(slope.double(), right, rtol=4 * eps, atol=8 * eps)  # y is rounded as well


def test_what_it_keeps_for_the_way_back_grows_with_n_and_not_with_n_squared():
    kept = []

    def remember(x):
        kept.append(x.shape)
        return x

    q, k, v = (noise(1, 1, 96, 4, seed=s, dtype=torch.float32) for s in range(3))
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda x: x):
        ops.flash_attend.plain(q, k, v, None, True, 16)
    assert sorted(kept) == [(1, 1, 96), *[(1, 1, 96, 4)] * 4]
    kept.clear()
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda x: x):
        attend.plain(q, k, v, None, True)
    assert (1, 1, 96, 96) in [tuple(shape) for shape in kept] or (1, 96, 96) in [tuple(s) for s in kept]


@pytest.mark.parametrize("layer", [*LAYERS, attend.plain, attend.fast])
def test_later_tokens_change_no_earlier_bit(layer):
    q, k, v = (x.detach() for x in triple(70, 70, dtype=torch.float32))
    before = layer(q, k, v, causal=True)
    for x in (q, k, v):
        x[..., 41:, :] += 100
    assert torch.equal(layer(q, k, v, causal=True)[..., :41, :], before[..., :41, :])


def test_tiles_beyond_the_diagonal_are_not_computed():
    """NaN in keys that no query may see would spread if they were touched."""
    q, k, v = triple(4, 8)
    with torch.no_grad():
        k[..., 4:, :], v[..., 4:, :] = torch.nan, torch.nan
    assert ops.flash_attend.plain(q, k, v, None, True, 2).isfinite().all()


@pytest.mark.parametrize("layer", LAYERS)
def test_refused(layer):
    x = torch.ones(2, 3, 4)
    with pytest.raises(ValueError, match="tile is 0, 1 place or more was wanted"):
        layer(x, x, x, tile=0)
    with pytest.raises(ValueError, match="as many keys as values"):
        layer(x, x, torch.ones(2, 2, 4))
    with pytest.raises(ValueError, match=r"logs has shape \(2, 2\)"):
        ops.flash_backward(x, x, x, x, torch.ones(2, 2), x)
