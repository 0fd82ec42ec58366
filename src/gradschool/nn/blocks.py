"""The block that three and more architectures share."""

from torch import nn

from gradschool.nn.activation import ReLU
from gradschool.nn.conv import Conv2d
from gradschool.nn.norm import BatchNorm2d
from gradschool.ops.conv import Pair, pair


class ConvNormAct(nn.Sequential):
    """Convolution without bias, batch normalisation, activation; padded so that stride 1 keeps the size.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel_size: odd numbers keep the size.
        stride: steps between windows.
        groups: as in Conv2d.
        act: an activation layer; None for none; ReLU if not given.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair = 3, stride: Pair = 1, groups: int = 1,
        act: nn.Module | bool | None = True,
    ) -> None:  # fmt: skip
        kh, kw = pair(kernel_size)
        padding = (kh // 2, kw // 2)
        conv = Conv2d(in_channels, out_channels, kernel_size, stride, padding, 1, groups, bias=False)
        last = [ReLU()] if act is True else [act] if isinstance(act, nn.Module) else []
        super().__init__(conv, BatchNorm2d(out_channels), *last)
