"""What heads refuse; see gradschool.ops.attention.heads."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, one_type, spreads


def divides(part: int, whole: int, said: str) -> None:
    """Refuse sizes of which one is no multiple of the other."""
    if part < 1 or whole % part:
        raise ValueError(f"{said}, a divisor was wanted")


def split_heads(x: Tensor, h: int) -> None:
    """The vectors must divide into the heads."""
    floating(x=x)
    axes("x", x, "(..., positions, numbers)", 2)
    divides(h, x.shape[-1], f"{x.shape[-1]} numbers are to be cut into {h} heads")


def join_heads(x: Tensor) -> None:
    """There must be an axis of heads."""
    floating(x=x)
    axes("x", x, "(..., heads, positions, numbers)", 3)


def repeat_heads(x: Tensor, h: int) -> None:
    """The heads must divide into the groups."""
    floating(x=x)
    axes("x", x, "(..., groups, positions, numbers)", 3)
    divides(x.shape[-3], h, f"{h} heads are to share {x.shape[-3]} groups of keys")


def attend_in_groups(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False
) -> None:
    """Queries must fit keys, keys must fit values, and groups must fit heads."""
    one_type(q, k=k, v=v)
    for name, x in (("q", q), ("k", k), ("v", v)):
        axes(name, x, "(..., heads, positions, numbers)", 3)
        if x.shape[:-3] != q.shape[:-3]:
            raise ValueError(f"{name} has batch axes {tuple(x.shape[:-3])}, those of q were wanted")
    if q.shape[-1] != k.shape[-1] or k.shape[-3:-1] != v.shape[-3:-1] or 0 in k.shape[-2:]:
        raise ValueError(
            f"q, k and v have shapes {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}; queries and "
            "keys of one length, and as many keys as values (one or more), were wanted"
        )
    divides(k.shape[-3], q.shape[-3], f"{q.shape[-3]} heads are to share {k.shape[-3]} groups of keys")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"the mask is of type {mask.dtype}, bool was wanted: True where a query may look")
    spreads("mask", mask, (*q.shape[:-1], k.shape[-2]))
