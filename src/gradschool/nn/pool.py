"""Pooling as layers, for batches of images (batch, channels, height, width); arguments as in torch.nn."""

from typing import Any

from torch import Tensor, nn

from gradschool.nn.arguments import refuse
from gradschool.ops import pool as ops
from gradschool.ops.accepts.common import axes
from gradschool.ops.conv import Pair


class MaxPool2d(nn.Module):
    """The largest number in each window.

    Raises:
        ValueError: return_indices is asked for.
    """

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        refuse("MaxPool2d", return_indices=(return_indices, False))
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode = dilation, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return ops.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        )


class AvgPool2d(nn.Module):
    """The mean of each window.

    Raises:
        ValueError: divisor_override is given.
    """

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        refuse("AvgPool2d", divisor_override=(divisor_override, None))
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return ops.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )  # fmt: skip


class AdaptiveAvgPool2d(nn.Module):
    """Means over a grid of so many cells, whatever the image's size; None keeps an axis as it is."""

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        axes("images", input, "(batch, channels, height, width)", 4, 4)
        wanted: Any = self.output_size if isinstance(self.output_size, tuple | list) else (self.output_size,)
        wanted = wanted * 2 if len(wanted) == 1 else wanted
        if len(wanted) == 2:
            wanted = tuple(n if w is None else w for w, n in zip(wanted, input.shape[2:], strict=True))
        return ops.adaptive_avg_pool2d(input, wanted)


class BlurPool2d(nn.Module):
    """Smooth, then subsample."""

    def __init__(self, stride: Pair = 2) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return ops.blur_pool2d(x, self.stride)
