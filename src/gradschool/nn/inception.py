"""What the Inception networks are made of: a convolution with normalisation, and branches side by side.

Sources: Szegedy et al. 2015, figure 2b (branches); Ioffe and Szegedy 2015 (normalisation).
"""

import torch
from torch import Tensor, nn

from gradschool.nn.activation import ReLU
from gradschool.nn.conv import Conv2d
from gradschool.nn.norm import BatchNorm2d
from gradschool.ops.conv import Pair, pair


class ConvUnit(nn.Module):
    """Convolution without bias, batch normalisation, ReLU.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel_size: odd numbers.
        stride: steps between windows.
        padding: what keeps the size at stride 1, if not given.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair = 1, stride: int = 1,
        padding: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        kh, kw = pair(kernel_size)
        frame = (kh // 2, kw // 2) if padding is None else padding
        self.conv = Conv2d(in_channels, out_channels, kernel_size, stride, frame, bias=False)
        self.bn = BatchNorm2d(out_channels, eps=1e-3)
        self.relu = ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Branches(nn.ModuleDict):
    """Every branch sees the same input; their outputs become one another's further channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.values()], 1)
