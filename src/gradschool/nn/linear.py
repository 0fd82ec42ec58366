"""The affine layer and dropout."""

import torch
from torch import Tensor, nn

from gradschool.nn.conv import uniform_
from gradschool.ops import linear as ops


class Linear(nn.Module):
    """x W^T + b along the last axis, whatever axes come before it."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        uniform_(self.weight, in_features)
        if self.bias is not None:
            uniform_(self.bias, in_features)

    def forward(self, x: Tensor) -> Tensor:
        return ops.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class Dropout(nn.Module):
    """Silence units while training.

    Args:
        p: probability of silence, 0 to 1.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout's p is {p}, a probability from 0 to 1 was wanted")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return ops.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"p={self.p}"
