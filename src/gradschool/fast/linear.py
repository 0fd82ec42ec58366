"""The torch-native affine map and dropout, with the names and arguments of gradschool.ops.linear."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gradschool.ops import linear as plain


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """See ops.linear.linear."""
    return F.linear(x, weight, bias)


def dropout(
    x: Tensor, p: float = 0.5, training: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """See ops.linear.dropout; torch's own draws from no generator but its global one."""
    return F.dropout(x, p, training) if generator is None else plain.dropout.plain(x, p, training, generator)
