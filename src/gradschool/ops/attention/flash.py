"""Attention in tiles: the table of scores is never held as a whole, forwards or backwards.

Sources: Milakov and Gimelshein 2018 (the softmax of a stream); Dao et al. 2022, algorithms 1 and 4; Dao 2023,
section 3.1 (one scaling at the end, and the logarithm of the sums kept for the way back). For n queries and m
keys it remembers n numbers a head where `attend` remembers n m.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd import Function

from gradschool.ops.attention.masks import causal_mask
from gradschool.ops.norm import wide
from gradschool.ops.switch import op

Queries = Float[Tensor, "*b n d"]
Keys = Float[Tensor, "*b m d"]
Values = Float[Tensor, "*b m e"]
Means = Float[Tensor, "*b n e"]
Logs = Float[Tensor, "*b n"]
Mask = Bool[Tensor, "... #n #m"]


def cut(size: int, tile: int) -> Iterator[slice]:
    """Neighbouring pieces of `tile` places; the last may be shorter."""
    return (slice(start, min(start + tile, size)) for start in range(0, size, tile))


def scores_of(
    q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, rows: slice, columns: slice
) -> Tensor | None:
    """One tile of the table of scores, minus infinity where hidden; None: causality hides all of it."""
    if causal and columns.start >= rows.stop:
        return None
    s = wide(q[..., rows, :]) @ wide(k[..., columns, :]).transpose(-2, -1) / q.shape[-1] ** 0.5
    if causal and columns.stop > rows.start + 1:
        seen = causal_mask(s.shape[-2], columns.stop, rows.start, s.device)[:, columns]
        s = s.masked_fill(~seen, -torch.inf)
    if mask is not None:
        part = mask[..., rows if mask.shape[-2] > 1 else slice(None), :]
        s = s.masked_fill(~part[..., columns if mask.shape[-1] > 1 else slice(None)], -torch.inf)
    return s


@op
def flash_forward(
    q: Queries, k: Keys, v: Values, mask: Mask | None = None, causal: bool = False, tile: int = 64
) -> tuple[Means, Logs]:
    """Attention tile by tile, with a softmax that is corrected as larger scores come.

    Args:
        q: queries of n positions.
        k: keys of m positions.
        v: values of the same m positions.
        mask: True where a query may look; None lets it look everywhere.
        causal: position i may look at positions 0 to i only; tiles beyond are not computed.
        tile: queries, and keys, of one tile.

    Returns:
        What `attend` gives, in the type of q, and for each query the logarithm of its sum of exponentials
        (float32 or wider; minus infinity for a query that may look at nothing).

    Source: Dao 2023, algorithm 1.
    """
    means, logs = [], []
    for rows in cut(q.shape[-2], tile):
        # 1. Nothing seen yet: the largest score, the sum of exponentials and the weighted sum of values.
        blank = wide(q[..., rows, :1])
        low = torch.finfo(blank.dtype).min
        top, total = torch.full_like(blank, low), torch.zeros_like(blank)
        y = torch.zeros(*blank.shape[:-1], v.shape[-1], dtype=blank.dtype, device=q.device)
        for columns in cut(k.shape[-2], tile):
            s = scores_of(q, k, mask, causal, rows, columns)
            if s is None:
                break
            # 2. Exponentials relative to the largest score so far; what was summed before shrinks to fit.
            new = torch.maximum(top, s.amax(-1, keepdim=True))
            shrink, p = (top - new).exp(), (s - new).exp()
            # 3. Add this tile's share.
            total = shrink * total + p.sum(-1, keepdim=True)
            y = shrink * y + p @ wide(v[..., columns, :])
            top = new
        # 4. Divide once, at the end.
        means.append((y / total.clamp(min=torch.finfo(total.dtype).tiny)).to(q.dtype))
        logs.append((top + total.log()).squeeze(-1))
    return torch.cat(means, -2), torch.cat(logs, -1)


@op
def flash_backward(
    q: Queries, k: Keys, v: Values, y: Means, logs: Logs, slope: Means,
    mask: Mask | None = None, causal: bool = False, tile: int = 64,
) -> tuple[Queries, Keys, Values]:  # fmt: skip
    """Gradients of attention by q, k and v, tile by tile: the weights are computed again.

    Args:
        q: as in `flash_forward`.
        k: as there.
        v: as there.
        y: the means that it gave.
        logs: the logarithms that it gave.
        slope: how the loss depends on y.
        mask: as there.
        causal: as there.
        tile: as there; it may be another.

    Source: Dao et al. 2022, appendix B.4, algorithm 4.
    """
    dq, dk, dv = (torch.zeros_like(wide(x)) for x in (q, k, v))
    # 1. The softmax's own term: for each query its slope times its mean.
    own = (wide(slope) * wide(y)).sum(-1, keepdim=True)
    for rows in cut(q.shape[-2], tile):
        g, log = wide(slope[..., rows, :]), logs[..., rows].unsqueeze(-1)
        for columns in cut(k.shape[-2], tile):
            s = scores_of(q, k, mask, causal, rows, columns)
            if s is None:
                break
            # 2. The weights again: no maximum is needed, as the sums are known. (0 where all is hidden.)
            p = (s - log).exp().masked_fill(s == -torch.inf, 0)
            # 3. Back through the mean and the softmax.
            dv[..., columns, :] += p.transpose(-2, -1) @ g
            ds = p * (g @ wide(v[..., columns, :]).transpose(-2, -1) - own[..., rows, :]) / q.shape[-1] ** 0.5
            # 4. Back through the product.
            dq[..., rows, :] += ds @ wide(k[..., columns, :])
            dk[..., columns, :] += ds.transpose(-2, -1) @ wide(q[..., rows, :])
    return dq.to(q.dtype), dk.to(k.dtype), dv.to(v.dtype)


class Flash(Function):
    """Attention in tiles as one node of the graph: it keeps its inputs, the means and one number a query."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, tile: int
    ) -> Tensor:
        """The means."""
        y, logs = flash_forward(q, k, v, mask, causal, tile)
        ctx.save_for_backward(q, k, v, mask, y, logs)
        ctx.causal, ctx.tile = causal, tile
        return y

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of queries, keys and values."""
        q, k, v, mask, y, logs = ctx.saved_tensors
        return *flash_backward(q, k, v, y, logs, slope, mask, ctx.causal, ctx.tile), None, None, None


@op
def flash_attend(
    q: Queries, k: Keys, v: Values, mask: Mask | None = None, causal: bool = False, tile: int = 64
) -> Means:
    """Scaled dot-product attention in tiles, with its gradient: softmax(q kᵀ / √d) v.

    Args:
        q: queries of n positions.
        k: keys of m positions.
        v: values of the same m positions.
        mask: True where a query may look; None lets it look everywhere.
        causal: position i may look at positions 0 to i only.
        tile: queries, and keys, of one tile; it changes the order of the sums and nothing else.

    Returns:
        One weighted mean of values for each query, in the type of q (sums in float32 or wider); zeros for a
        query that may look nowhere.

    Source: Dao et al. 2022.
    """
    return Flash.apply(q, k, v, mask, causal, tile)
