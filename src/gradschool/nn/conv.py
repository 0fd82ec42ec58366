"""Convolutions with their filters. Initialised as torch does: uniform within 1 / sqrt(fan in)."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradschool.nn.arguments import refuse
from gradschool.ops import conv as ops
from gradschool.ops.accepts.common import axes, one_of
from gradschool.ops.accepts.conv import sizes
from gradschool.ops.conv import Pair, pair

Edge = Literal["zeros", "reflect", "replicate", "circular"]


def uniform_(value: nn.Parameter, fan_in: int) -> None:
    """Fill with numbers between -1 / sqrt(fan in) and 1 / sqrt(fan in)."""
    bound = 1 / math.sqrt(max(fan_in, 1))
    nn.init.uniform_(value, -bound, bound)


def check_groups(groups: int, in_channels: int, out_channels: int) -> None:
    """Refuse channels that do not divide into groups."""
    for name, value in (("groups", groups), ("in_channels", in_channels), ("out_channels", out_channels)):
        sizes(name, value, 1, 1)
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"{groups} groups do not divide {in_channels} and {out_channels} channels")


def frame(padding: Pair | str, kernel: tuple[int, int], dilation: tuple[int, int]) -> list[int]:
    """Pixels to add at the left, right, top and bottom; "same" keeps the size where all steps are 1."""
    if not isinstance(padding, str):
        vertical, horizontal = pair(padding)
        return [horizontal, horizontal, vertical, vertical]
    beyond = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    (top, left), (down, right) = [n // 2 for n in beyond], [n - n // 2 for n in beyond]
    return [left, right, top, down]


class Conv2d(nn.Module):
    """Filters that slide over images (batch, channels, height, width); arguments as in torch.nn.Conv2d.

    Args:
        padding: pixels around each image, "same" (the size stays; stride 1 only; one pixel more at the lower
            right where their number is odd) or "valid" (none).
        padding_mode: what the frame shows: "zeros", "reflect", "replicate" or "circular".

    Raises:
        ValueError: groups do not divide the channels; a size is no whole number; "same" has a stride.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1,
        padding: Pair | str = 0, dilation: Pair = 1, groups: int = 1, bias: bool = True,
        padding_mode: Edge = "zeros", device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        # 1. Refuse what cannot be.
        check_groups(groups, in_channels, out_channels)
        one_of("padding_mode", padding_mode, ("zeros", "reflect", "replicate", "circular"))
        if isinstance(padding, str):
            one_of("padding", padding, ("same", "valid"))
        else:
            padding = pair(sizes("padding", padding, 0))
        # 2. Sizes, as pairs.
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = (
            pair(sizes("kernel_size", kernel_size, 1)),
            pair(sizes("stride", stride, 1)),
        )
        self.dilation, self.padding = pair(sizes("dilation", dilation, 1)), padding
        if padding == "same" and self.stride != (1, 1):
            raise ValueError(f"stride is {stride} and padding 'same', which keeps the size, wants stride 1")
        # 3. A frame of zeros that is alike on both sides is the op's; any other is put around first.
        self.padding_mode, self.frame = padding_mode, frame(padding, self.kernel_size, self.dilation)
        left, right, top, bottom = self.frame
        self.even = padding_mode == "zeros" and (left, top) == (right, bottom)
        # 4. Parameters.
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        first_numbers(self)

    def forward(self, input: Tensor) -> Tensor:
        return self.slide(input, self.weight)

    def slide(self, x: Tensor, weight: Tensor) -> Tensor:
        """The convolution with these filters."""
        left, _, top, _ = self.frame
        if self.even:
            return ops.conv2d(x, weight, self.bias, self.stride, (top, left), self.dilation, self.groups)
        axes("images", x, "(batch, channels, height, width)", 4, 4)
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        framed = F.pad(x, self.frame, mode)
        return ops.conv2d(framed, weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """What print shows."""
        return described(self)


class ConvTranspose2d(nn.Module):
    """Filters that stamp; arguments as in torch.nn.ConvTranspose2d.

    Raises:
        ValueError: groups do not divide the channels; a size is no whole number; padding_mode is not "zeros".
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0,
        output_padding: Pair = 0, groups: int = 1, bias: bool = True, dilation: Pair = 1,
        padding_mode: str = "zeros", device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        refuse("ConvTranspose2d", padding_mode=(padding_mode, "zeros"))
        check_groups(groups, in_channels, out_channels)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = (
            pair(sizes("kernel_size", kernel_size, 1)),
            pair(sizes("stride", stride, 1)),
        )
        self.padding, self.dilation = pair(sizes("padding", padding, 0)), pair(sizes("dilation", dilation, 1))
        self.output_padding = pair(sizes("output_padding", output_padding, 0))
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        first_numbers(self)

    def forward(self, input: Tensor, output_size: tuple[int, ...] | None = None) -> Tensor:
        extra = self.output_padding if output_size is None else self.missing(input, output_size)
        return ops.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def missing(self, x: Tensor, output_size: tuple[int, ...]) -> tuple[int, int]:
        """Pixels to add at the lower right so that the output has this height and width.

        Raises:
            ValueError: no padding below the stride gives that size.
        """
        numbers = zip(
            output_size[-2:], x.shape[-2:], self.kernel_size, self.stride, self.padding, self.dilation,
            strict=True,
        )  # fmt: skip
        extra = [want - ((n - 1) * s - 2 * p + d * (k - 1) + 1) for want, n, k, s, p, d in numbers]
        limits = [max(s, d) for s, d in zip(self.stride, self.dilation, strict=True)]
        if any(not 0 <= e < most for e, most in zip(extra, limits, strict=True)):
            raise ValueError(
                f"output_size is {tuple(output_size)}, which is {extra} larger than the smallest; "
                f"0 to below {limits} was wanted"
            )
        return extra[0], extra[1]

    def extra_repr(self) -> str:
        """What print shows."""
        return described(self)


def first_numbers(layer: Conv2d | ConvTranspose2d) -> None:
    """Draw the filters, then the biases."""
    fan_in = layer.weight[0].numel()
    uniform_(layer.weight, fan_in)
    if layer.bias is not None:
        uniform_(layer.bias, fan_in)


def described(layer: Conv2d | ConvTranspose2d) -> str:
    """A convolution's numbers, without those that do nothing."""
    text = f"{layer.in_channels}, {layer.out_channels}, kernel_size={layer.kernel_size}"
    usual = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
    more = {name: value for name in usual if (value := getattr(layer, name, "zeros")) != usual[name]}
    more |= {"bias": False} if layer.bias is None else {}
    return ", ".join([text, *(f"{name}={value}" for name, value in more.items())])
