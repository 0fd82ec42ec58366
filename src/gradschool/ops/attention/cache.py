"""A cache of keys and values: who goes on with a text needs those of its past, computed once.

It never changes: `extended` gives a new one. Its capacity is fixed, so that all steps have the same shapes;
places that are not filled yet hold zeros, and `cache_mask` hides them.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.attention.heads import attend_in_groups
from gradschool.ops.attention.masks import causal_mask


@dataclass(frozen=True)
class Cache:
    """Keys and values of one layer.

    Args:
        k: keys, (b, g, capacity, d).
        v: values, (b, g, capacity, e).
        filled: places that hold something, from the first on.
    """

    k: Float[Tensor, "b g m d"]
    v: Float[Tensor, "b g m e"]
    filled: int = 0


def empty_cache(b: int, g: int, capacity: int, d: int, e: int, like: Tensor) -> Cache:
    """A cache without a past.

    Args:
        b: texts.
        g: heads of keys and values.
        capacity: places of each text, 1 or more.
        d: numbers of a key.
        e: numbers of a value.
        like: gives type and device.
    """
    return Cache(like.new_zeros(b, g, capacity, d), like.new_zeros(b, g, capacity, e))


def extended(cache: Cache, k: Float[Tensor, "b g n d"], v: Float[Tensor, "b g n e"]) -> Cache:
    """The cache with n more keys and values; one of a long text is filled chunk by chunk like this.

    Returns:
        A new cache of the same capacity and types; gradients flow to what was put in.

    Raises:
        UserError: the capacity does not suffice.
    """
    start, stop, capacity = cache.filled, cache.filled + k.shape[-2], cache.k.shape[-2]
    if stop > capacity:
        raise UserError(
            f"{stop} keys are to be kept", f"a cache holds {capacity}", "Make it larger, or cut the text."
        )
    # 1. The free places that are filled now.
    rows = torch.arange(start, stop, device=k.device)
    # 2. Keys and values with the new ones there; the old tensors stay as they are.
    held = (old.index_copy(2, rows, new.to(old.dtype)) for old, new in ((cache.k, k), (cache.v, v)))
    return replace(cache, **dict(zip("kv", held, strict=True)), filled=stop)


def cache_mask(cache: Cache, n: int) -> Bool[Tensor, "n m"]:
    """What the last n tokens of a cache may look at: themselves and what was before; no empty place."""
    return causal_mask(n, cache.k.shape[-2], cache.filled - n, cache.k.device)


def attend_to_cache(
    q: Float[Tensor, "b h n d"], cache: Cache, valid: Bool[Tensor, "b m"] | None = None
) -> Float[Tensor, "b h n e"]:
    """Causal attention of the last n tokens to all that the cache holds, their own keys included.

    Args:
        q: queries of the last n tokens.
        cache: after `extended` with the keys and values of these tokens.
        valid: False at padding, for each place of the cache.
    """
    mask = cache_mask(cache, q.shape[-2])
    seen = mask if valid is None else mask & valid[:, None, None, :]
    return attend_in_groups(q, cache.k.to(q.dtype), cache.v.to(q.dtype), seen)
