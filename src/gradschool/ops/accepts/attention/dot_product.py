"""What attention refuses; see gradschool.ops.attention.dot_product."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, one_type, spreads


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> None:
    """Queries must fit keys, keys must fit values, and a mask must be of truth values."""
    one_type(q, k=k, v=v)
    for name, x in (("q", q), ("k", k), ("v", v)):
        axes(name, x, "(..., positions, numbers)", 2)
        if x.shape[:-2] != q.shape[:-2]:
            raise ValueError(f"{name} has batch axes {tuple(x.shape[:-2])}, those of q were wanted")
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"q, k and v have shapes {tuple(q.shape)}, {tuple(k.shape)} and {tuple(v.shape)}; queries and "
            "keys of one length, and as many keys as values, were wanted"
        )
    if 0 in (k.shape[-2], k.shape[-1]):
        raise ValueError(f"keys have shape {tuple(k.shape)}, one or more of one or more numbers were wanted")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"the mask is of type {mask.dtype}, bool was wanted: True where a query may look")
    spreads("mask", mask, (*q.shape[:-1], k.shape[-2]))
