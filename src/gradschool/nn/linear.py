"""The affine layer and dropout."""

import torch
from torch import Tensor, nn

from gradschool.nn.arguments import check_sizes
from gradschool.nn.conv import uniform_
from gradschool.ops import linear as ops


class Linear(nn.Module):
    """x W^T + b along the last axis, whatever axes come before it; arguments as in torch.nn.Linear."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_sizes(in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None
        uniform_(self.weight, in_features)
        if self.bias is not None:
            uniform_(self.bias, in_features)

    def forward(self, input: Tensor) -> Tensor:
        return ops.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}"


class Dropout(nn.Module):
    """Silence units while training.

    Args:
        p: probability of silence, 0 to 1.
        inplace: taken for torch's sake and ignored; ops never change their input.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout's p is {p}, a probability from 0 to 1 was wanted")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        return ops.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"p={self.p}"
