"""Convolutions with their filters. Initialised as torch does: uniform within 1 / sqrt(fan in)."""

import math

import torch
from torch import Tensor, nn

from gradschool.ops import conv as ops
from gradschool.ops.conv import Pair, pair


def uniform_(value: nn.Parameter, fan_in: int) -> None:
    """Fill with numbers between -1 / sqrt(fan in) and 1 / sqrt(fan in)."""
    bound = 1 / math.sqrt(max(fan_in, 1))
    nn.init.uniform_(value, -bound, bound)


class Conv2d(nn.Module):
    """Filters that slide over images; arguments as in torch.nn.Conv2d (zeros as padding).

    Raises:
        ValueError: groups do not divide the channels.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0,
        dilation: Pair = 1, groups: int = 1, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{groups} groups do not divide {in_channels} and {out_channels} channels")
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, pair(kernel_size)
        self.stride, self.padding, self.dilation = pair(stride), pair(padding), pair(dilation)
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        fan_in = self.weight[0].numel()
        uniform_(self.weight, fan_in)
        if self.bias is not None:
            uniform_(self.bias, fan_in)

    def forward(self, x: Tensor) -> Tensor:
        return ops.conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )  # fmt: skip

    def extra_repr(self) -> str:
        """What print shows."""
        return described(self)


class ConvTranspose2d(nn.Module):
    """Filters that stamp; arguments as in torch.nn.ConvTranspose2d.

    Raises:
        ValueError: groups do not divide the channels.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0,
        output_padding: Pair = 0, groups: int = 1, bias: bool = True, dilation: Pair = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{groups} groups do not divide {in_channels} and {out_channels} channels")
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, pair(kernel_size)
        self.stride, self.padding, self.output_padding = pair(stride), pair(padding), pair(output_padding)
        self.groups, self.dilation = groups, pair(dilation)
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels // groups, *self.kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        fan_in = self.weight[0].numel()
        uniform_(self.weight, fan_in)
        if self.bias is not None:
            uniform_(self.bias, fan_in)

    def forward(self, x: Tensor) -> Tensor:
        return ops.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups,
            self.dilation,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """What print shows."""
        return described(self)


def described(layer: Conv2d | ConvTranspose2d) -> str:
    """A convolution's numbers, without those that do nothing."""
    text = f"{layer.in_channels}, {layer.out_channels}, kernel_size={layer.kernel_size}"
    usual = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    more = {name: value for name in usual if (value := getattr(layer, name)) != usual[name]}
    more |= {"bias": False} if layer.bias is None else {}
    return ", ".join([text, *(f"{name}={value}" for name, value in more.items())])
