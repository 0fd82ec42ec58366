"""What the affine map and dropout refuse; see gradschool.ops.linear."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, one_type, shaped


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
    """Sizes must fit."""
    one_type(x, weight=weight, bias=bias)
    axes("weight", weight, "(out, in)", 2, 2)
    axes("x", x, "(..., in)", 1)
    if x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"the input's last axis has {x.shape[-1]} entries, the weight wants {weight.shape[1]}"
        )
    shaped("bias", bias, weight.shape[:1])


def dropout(
    x: Tensor, p: float = 0.5, training: bool = True, generator: torch.Generator | None = None
) -> None:
    """Its p must be a probability."""
    floating(x=x)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout's p is {p}, a probability from 0 to 1 was wanted")
