"""Attention in heads against torch.nn.MultiheadAttention, and its kinds against what they must equal."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn as theirs

from gradschool.nn.attention.cache import KVCache
from gradschool.nn.attention.multihead import Attention
from gradschool.ops.attention.cache import attend_to_cache, empty_cache, extended
from gradschool.ops.attention.heads import attend_in_groups
from gradschool.ops.switch import using

sys.path.insert(0, str(Path(__file__).parent))
import peers


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def pair(width=12, heads=3):
    torch.manual_seed(0)
    peer = theirs.MultiheadAttention(width, heads, batch_first=True).double()
    theirs.init.normal_(peer.in_proj_bias)
    mine = Attention(width, heads).double()
    mine.load_state_dict(peers.attention(peer.state_dict()))
    return mine, peer


@pytest.mark.parametrize("form", ["plain", "fast"])
@settings(max_examples=15)
@given(b=st.integers(1, 3), n=st.integers(1, 6), m=st.integers(1, 6), masked=st.booleans(),
       padded=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
def test_equals_torchs_layer_with_gradients(form, b, n, m, masked, padded, seed):
    mine, peer = pair()
    x, memory = noise(b, n, 12, seed=seed), noise(b, m, 12, seed=seed + 1)
    draw = torch.Generator().manual_seed(seed)
    # torch's layer gives NaN where a query may look at nothing, so every query may look at key 0.
    hidden = (torch.rand(n, m, generator=draw) < 0.5) & (torch.arange(m) > 0) if masked else None
    padding = (torch.rand(b, m, generator=draw) < 0.5) & (torch.arange(m) > 0) if padded else None
    mask = None
    if masked or padded:
        mask = torch.ones(b, 1, n, m, dtype=torch.bool)
        mask = mask if hidden is None else mask & ~hidden
        mask = mask if padding is None else mask & ~padding[:, None, None]
    found = []
    for net in (mine, peer):
        leaves = [x.clone().requires_grad_(), memory.clone().requires_grad_()]
        with using(form):
            if net is mine:
                y = net(*leaves, mask=mask)
            else:
                a, b = leaves
                y, _ = peer(a, b, b, attn_mask=hidden, key_padding_mask=padding)
        found.append([y, *torch.autograd.grad((y * noise(*y.shape, seed=5)).sum(), leaves)])
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-11)


def test_equals_torchs_causal_self_attention():
    mine, peer = pair()
    x = noise(2, 5, 12)
    hidden = ~torch.ones(5, 5, dtype=torch.bool).tril()
    torch.testing.assert_close(mine(x, causal=True), peer(x, x, x, attn_mask=hidden)[0])


def test_heads_that_share_keys_are_heads_whose_keys_are_equal():
    shared = Attention(12, 6, kv_heads=2).double()
    whole = Attention(12, 6).double()
    state = dict(shared.state_dict())
    for name in ("key", "value"):
        for kind in ("weight", "bias"):
            rows = state[f"{name}.{kind}"].unflatten(0, (2, 2))
            state[f"{name}.{kind}"] = rows.repeat_interleave(3, 0).flatten(0, 1)
    whole.load_state_dict(state)
    x = noise(2, 5, 12)
    torch.testing.assert_close(shared(x, causal=True), whole(x, causal=True))
    assert sum(p.numel() for p in shared.parameters()) == 2 * (144 + 12) + 2 * (48 + 4)


def test_rotary_positions_count_only_by_their_difference():
    net, x = Attention(12, 3, base=100.0).double(), noise(2, 5, 12)
    at = torch.arange(5)
    torch.testing.assert_close(net(x, positions=at + 1000), net(x), rtol=1e-7, atol=1e-9)
    assert not torch.allclose(net(x, positions=2 * at), net(x))
    each = torch.stack([at, at + 7])
    torch.testing.assert_close(net(x, positions=each), net(x), rtol=1e-7, atol=1e-9)


def test_normalised_queries_and_keys_ignore_the_scale_of_their_projections():
    net, x = Attention(12, 3, bias=False, norm=True).double(), noise(2, 5, 12)
    y = net(x)
    with torch.no_grad():
        net.query.weight.mul_(100)
        net.key.weight.mul_(1000)
    torch.testing.assert_close(net(x), y)
    assert not torch.allclose(Attention(12, 3).double()(x), y)


@pytest.mark.parametrize("pieces", [(7,), (3, 4), (1,) * 7, (2, 1, 4)])
def test_keys_of_earlier_calls_are_looked_at(pieces):
    net, x = Attention(12, 6, kv_heads=2, base=50.0, norm=True).double(), noise(2, 7, 12)
    cache, found, before = KVCache(1, (2, 2, 9, 2), x), [], 0
    with torch.no_grad():
        for n in pieces:
            mask = torch.arange(before + n) <= torch.arange(before, before + n)[:, None]
            found.append(net(x[:, before : before + n], mask=mask, cache=cache.layers[0]))
            before += n
        torch.testing.assert_close(torch.cat(found, 1), net(x, causal=True))
    assert cache.length == 7 and cache.capacity == 9


@pytest.mark.parametrize("form", ["plain", "fast"])
@settings(max_examples=20)
@given(pieces=st.lists(st.integers(1, 4), min_size=1, max_size=4), masked=st.booleans(),
       rotary=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
def test_a_text_in_pieces_is_the_text_at_once(form, pieces, masked, rotary, seed):
    torch.manual_seed(seed)
    net, t = Attention(12, 6, kv_heads=2, base=50.0 if rotary else None).double(), sum(pieces)
    x, cache = noise(2, t, 12, seed=seed), KVCache(1, (2, 2, t, 2), noise(1))
    # Some keys are hidden from all later queries, but none from itself.
    mask = torch.rand(2, 1, t, t, generator=torch.Generator().manual_seed(seed)) < 0.6
    mask = mask | torch.eye(t, dtype=torch.bool) if masked else None
    with torch.no_grad(), using(form):
        found, start = [], 0
        for n in pieces:
            own = None if mask is None else mask[:, :, start : start + n, : start + n]
            found.append(net(x[:, start : start + n], mask=own, causal=True, cache=cache.layers[0]))
            start += n
        torch.testing.assert_close(torch.cat(found, 1), net(x, mask=mask, causal=True))


def test_the_cache_is_the_ops_one_in_place():
    k, v, q = noise(2, 3, 5, 4), noise(2, 3, 5, 4, seed=1), noise(2, 6, 5, 4, seed=2)
    pure, cache = empty_cache(2, 3, 7, 4, 4, k), KVCache(1, (2, 3, 7, 4), k)
    for start, stop in ((0, 3), (3, 4), (4, 5)):
        part = slice(start, stop)
        pure = extended(pure, k[:, :, part], v[:, :, part])
        keys, values = cache.layers[0].extend(k[:, :, part], v[:, :, part])
        mask = torch.arange(stop) <= torch.arange(start, stop)[:, None]
        torch.testing.assert_close(
            attend_in_groups(q[:, :, part], keys, values, mask), attend_to_cache(q[:, :, part], pure)
        )


def test_a_cache_goes_on_with_the_rows_that_are_chosen():
    net, x = Attention(12, 6, kv_heads=2).double(), noise(3, 4, 12)
    cache = KVCache(1, (3, 2, 5, 2), x)
    rows = torch.tensor([2, 2])
    with torch.no_grad():
        net(x[:, :3], causal=True, cache=cache.layers[0])
        cache.choose(rows)
        torch.testing.assert_close(net(x[rows, 3:], cache=cache.layers[0]), net(x[rows], causal=True)[:, 3:])


REFUSED = {
    "heads": (lambda: Attention(10, 3), "divides the one before"),
    "kv_heads": (lambda: Attention(12, 6, 4), "divides the one before"),
    "odd": (lambda: Attention(9, 3, base=10.0), "even number"),
    "memory": (lambda: Attention(12, 3, base=9.0)(torch.ones(1, 2, 12), torch.ones(1, 2, 12)), "rotary"),
    "cache": (lambda: KVCache(0, (1, 1, 1, 1), torch.zeros(1)), "numbers from 1"),
    "full": (lambda: KVCache(1, (1, 1, 3, 1), torch.zeros(1)).note(4, None), "the cache is full"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_sentences(case):
    call, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        call()
