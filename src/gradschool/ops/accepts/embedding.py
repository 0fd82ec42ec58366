"""What the look-up refuses; see gradschool.ops.embedding."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, looks_at_numbers, within


@looks_at_numbers
def embedding(x: Tensor, weight: Tensor) -> None:
    """Tokens must be whole numbers that have a row."""
    floating(weight=weight)
    axes("weight", weight, "(tokens, numbers)", 2, 2)
    if x.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"tokens are of type {x.dtype}, whole numbers (int64) were wanted")
    within("x", x, 0, len(weight) - 1)
