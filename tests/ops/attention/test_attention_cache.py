"""A cache of keys and values: chunk by chunk it gives what the whole text gives, in every type."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.errors import UserError
from gradschool.ops.attention.cache import attend_to_cache, cache_mask, empty_cache, extended
from gradschool.ops.attention.heads import attend_in_groups
from gradschool.ops.attention.masks import mask_of_keys, padding_mask


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def triple(t=7):
    return noise(2, 4, t, 4), noise(2, 2, t, 4, seed=1), noise(2, 2, t, 3, seed=2)


@given(
    chunks=st.lists(st.integers(1, 4), min_size=1, max_size=5), spare=st.integers(0, 3), left=st.booleans()
)
def test_a_text_in_chunks_is_the_text_at_once(chunks, spare, left):
    t = sum(chunks)
    q, k, v = triple(t)
    valid = padding_mask(torch.tensor([t, (t + 1) // 2]), t, left)
    cache, parts, start = empty_cache(2, 2, t + spare, 4, 3, q), [], 0
    places = torch.cat([valid, torch.zeros(2, spare, dtype=torch.bool)], 1)
    for n in chunks:
        now = slice(start, start + n)
        cache = extended(cache, k[:, :, now], v[:, :, now])
        parts.append(attend_to_cache(q[:, :, now], cache, places))
        start += n
    whole = attend_in_groups(q, k, v, mask_of_keys(valid), True)
    torch.testing.assert_close(torch.cat(parts, 2), whole, rtol=1e-10, atol=1e-12)
    assert cache.filled == t and cache.k.shape[2] == t + spare


def test_a_cache_does_not_change_and_lets_gradients_through():
    q, k, v = (x.requires_grad_() for x in triple())
    first = extended(empty_cache(2, 2, 9, 4, 3, q), k[:, :, :4], v[:, :, :4])
    before = first.k.clone()
    second = extended(first, k[:, :, 4:], v[:, :, 4:])
    assert torch.equal(first.k, before) and (first.filled, second.filled) == (4, 7)
    assert not second.k[:, :, 7:].any() and torch.equal(second.v[:, :, :7], v)
    assert cache_mask(second, 3).tolist() == [[j <= 4 + i for j in range(9)] for i in range(3)]
    ours = attend_to_cache(q[:, :, 4:], second)
    wanted = attend_in_groups(q, k, v, None, True)[:, :, 4:]
    ways = [torch.autograd.grad(y.square().sum(), (q, k, v)) for y in (ours, wanted)]
    for one, other in zip(*ways, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_types_are_kept(dtype):
    cache = empty_cache(1, 1, 3, 2, 2, torch.zeros(1, dtype=dtype))
    more = extended(cache, noise(1, 1, 2, 2), noise(1, 1, 2, 2))
    assert more.k.dtype == more.v.dtype == dtype
    y = attend_to_cache(noise(1, 1, 1, 2, dtype=torch.float32), more)
    assert y.dtype == torch.float32


def test_more_than_it_holds_is_refused():
    _, k, v = triple()
    with pytest.raises(UserError, match="7 keys are to be kept"):
        extended(empty_cache(2, 2, 6, 4, 3, k), k, v)
