"""Attention in many heads: every head looks for its own features, in vectors that it projects itself.

Sources: Vaswani et al. 2017, section 3.2.2; Ainslie et al. 2023 (fewer heads of keys than of queries); Su et
al. 2021 (rotary positions); Henry et al. 2020 (normalised queries and keys, here by their root mean square).
"""

import torch
from torch import Tensor, nn

from gradschool.nn.arguments import check_sizes
from gradschool.nn.attention.cache import LayerCache
from gradschool.nn.linear import Linear
from gradschool.nn.norm import RMSNorm
from gradschool.ops.attention.heads import attend_in_groups, join_heads, split_heads
from gradschool.ops.attention.masks import causal_mask, combined
from gradschool.ops.attention.rotary import rope


class Attention(nn.Module):
    """Projections to queries, keys and values, attention in heads, and a projection of all heads together.

    `forward(x, memory=None, mask=None, causal=False, positions=None, cache=None)`: the queries come from x
    (b, n, width), keys and values from `memory` (b, m, width), or from x where there is none; a memory may
    also be the keys and values that `read` made of it, once for many calls. `mask` is True
    where a query may look and spreads to (b, heads, n, m); `causal` hides what comes after a position.
    `positions` (n) or (b, n) are those of x, for rotary heads; None counts on. A `cache` adds the keys
    and values of x to those before and is looked at as a whole; x comes behind what it held.

    Args:
        width: numbers of a vector, a multiple of `heads`.
        heads: of queries.
        kv_heads: heads of keys and values, a divisor of `heads`; None: as many.
        bias: whether the four projections have biases.
        base: of the rotary positions; None: none.
        norm: whether each head's queries and keys are divided by their root mean square.

    Raises:
        ValueError: sizes do not divide, or rotary heads of an odd size; with rotary positions, a memory.
    """

    def __init__(
        self, width: int, heads: int, kv_heads: int | None = None, bias: bool = True,
        base: float | None = None, norm: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        kv_heads = heads if kv_heads is None else kv_heads
        check_sizes(width=width, heads=heads, kv_heads=kv_heads)
        if heads < 1 or kv_heads < 1 or width % heads or heads % kv_heads:
            wanted = "numbers of which each divides the one before were wanted"
            raise ValueError(f"width is {width}, heads {heads} and kv_heads {kv_heads}; {wanted}")
        size = width // heads
        if base is not None and size % 2:
            raise ValueError(f"a head has {size} numbers, an even number was wanted for rotary positions")
        self.heads, self.kv_heads, self.base = heads, kv_heads, base
        self.query = Linear(width, width, bias)
        self.key = Linear(width, kv_heads * size, bias)
        self.value = Linear(width, kv_heads * size, bias)
        self.output = Linear(width, width, bias)
        self.query_norm, self.key_norm = (RMSNorm(size) if norm else nn.Identity() for _ in range(2))

    def forward(
        self, x: Tensor, memory: Tensor | tuple[Tensor, Tensor] | None = None, mask: Tensor | None = None,
        causal: bool = False, positions: Tensor | None = None, cache: LayerCache | None = None,
    ) -> Tensor:  # fmt: skip
        # 1. Queries, keys and values in heads, (b, heads, positions, size).
        q = self.query_norm(split_heads(self.query(x), self.heads))
        k, v = memory if isinstance(memory, tuple) else self.read(x if memory is None else memory)
        # 2. Queries and keys turned by their positions.
        if self.base is not None:
            if memory is not None:
                raise ValueError("a memory came with rotary positions, which are those of one text")
            before = 0 if cache is None else cache.length
            counted = torch.arange(before, before + x.shape[1], device=x.device)
            at = counted if positions is None else positions
            q, k = rope(q, at, self.base), rope(k, at, self.base)
        # 3. Those of earlier calls come before, and a causal mask begins behind them.
        if cache is not None:
            k, v = cache.extend(k, v)
            n, m = x.shape[1], k.shape[2]
            if causal and m > n:
                mask, causal = combined(mask, causal_mask(n, m, m - n, x.device)), False
        # 4. Each head looks; all heads together are projected once more.
        return self.output(join_heads(attend_in_groups(q, k, v, mask, causal)))

    def read(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of vectors (b, m, width) in heads, without positions."""
        k = self.key_norm(split_heads(self.key(memory), self.kv_heads))
        return k, split_heads(self.value(memory), self.kv_heads)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"heads={self.heads}, kv_heads={self.kv_heads}, base={self.base}"
