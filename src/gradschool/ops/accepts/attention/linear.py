"""What linear attention refuses; see gradschool.ops.attention.linear."""

import torch
from torch import Tensor

from gradschool.ops.accepts.attention.dot_product import attend
from gradschool.ops.accepts.common import spreads


def linear_attend(q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None = None, causal: bool = False) -> None:
    """What attention refuses; a mask of pairs, which would need the table of all weights."""
    attend(q, k, v)
    if valid is not None and valid.dtype != torch.bool:
        raise ValueError(f"valid is of type {valid.dtype}, bool was wanted: False at padding")
    spreads("valid", valid, k.shape[:-1])
    if causal and q.shape[-2] != k.shape[-2]:
        raise ValueError(f"{q.shape[-2]} queries and {k.shape[-2]} keys, equal numbers were wanted")
