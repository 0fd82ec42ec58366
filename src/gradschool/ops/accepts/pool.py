"""What pooling refuses; see gradschool.ops.pool."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating
from gradschool.ops.accepts.conv import Sizes, sizes, windows_fit


def images(x: Tensor) -> None:
    """Refuse what is no batch of floating images, or images of no pixels."""
    floating(x=x)
    axes("x", x, "(batch, channels, height, width)", 4, 4)
    if 0 in x.shape[1:]:
        raise ValueError(f"x has shape {tuple(x.shape)}, one channel and one pixel or more were wanted")


def frame(kernel_size: Sizes, padding: Sizes) -> None:
    """Refuse a frame of more than half the window: some windows would see nothing else."""
    if any(
        2 * p > k
        for k, p in zip(sizes("kernel_size", kernel_size, 1), sizes("padding", padding, 0), strict=True)
    ):
        raise ValueError(f"padding is {padding}, at most half of the window {kernel_size} was wanted")


def max_pool2d(
    x: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False,
) -> None:  # fmt: skip
    """Windows must fit, and see more than their frame."""
    images(x)
    frame(kernel_size, padding)
    steps = kernel_size if stride is None else stride
    windows_fit(tuple(x.shape[2:]), kernel_size, steps, padding, dilation)


def avg_pool2d(
    x: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> None:  # fmt: skip
    """As max_pool2d."""
    max_pool2d(x, kernel_size, stride, padding, 1, ceil_mode)


def adaptive_avg_pool2d(x: Tensor, output_size: Sizes) -> None:
    """One cell or more along each axis."""
    images(x)
    sizes("output_size", output_size, 1)


global_avg_pool2d = images


def blur_pool2d(x: Tensor, stride: Sizes = 2) -> None:
    """Whole steps."""
    images(x)
    sizes("stride", stride, 1)
