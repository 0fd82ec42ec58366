"""Blocks of a denoising U-Net: residual blocks that are given the time, and self-attention between positions.

Source: Ho et al. 2020, appendix B, with the scale and shift of Dhariwal and Nichol 2021, section 4.3.
"""

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.nn.activation import SiLU
from gradschool.nn.conv import Conv2d
from gradschool.nn.linear import Dropout, Linear
from gradschool.nn.norm import BatchNorm2d, GroupNorm
from gradschool.ops.attention import attend
from gradschool.ops.diffusion import time_embedding

Norm = Literal["group", "batch"]


def normal(kind: Norm, channels: int) -> nn.Module:
    """A normalisation layer: up to 32 groups of channels of a picture, or channels over the batch."""
    if kind == "batch":
        return BatchNorm2d(channels)
    groups = max(n for n in range(1, 33) if channels % n == 0 and (channels // n >= 4 or n == 1))
    return GroupNorm(groups, channels)


def silent(layer: nn.Module) -> nn.Module:
    """The layer with weights and biases 0, so that its block starts as the identity."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class TimeAndClass(nn.Module):
    """Time, and the class if it is given, as one vector.

    Args:
        dim: of the time embedding; the vector has 4 dim entries.
        classes: how many there are; 0 for none. Class number `classes` means "not given".
        timed: False leaves the time out, to measure what it contributes.
    """

    def __init__(self, dim: int, classes: int = 0, timed: bool = True) -> None:
        super().__init__()
        self.dim, self.classes, self.timed = dim, classes, timed
        self.widen = nn.Sequential(Linear(dim, 4 * dim), SiLU(), Linear(4 * dim, 4 * dim))
        self.label = nn.Embedding(classes + 1, 4 * dim) if classes else None

    def forward(self, time: Float[Tensor, " b"], y: Int64[Tensor, " b"] | None) -> Float[Tensor, "b d"]:
        vector = self.widen(time_embedding(time if self.timed else torch.zeros_like(time), self.dim))
        if self.label is None:
            return vector
        return vector + self.label(torch.full_like(time, self.classes, dtype=torch.int64) if y is None else y)


class TimeBlock(nn.Module):
    """A residual block of two convolutions; in between, the time scales and shifts every channel.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        told: length of the vector of time and class.
        norm: which normalisation.
        dropout: before the last convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, told: int, norm: Norm = "group", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(
            normal(norm, in_channels), SiLU(), Conv2d(in_channels, out_channels, 3, padding=1)
        )
        self.told = nn.Sequential(SiLU(), Linear(told, 2 * out_channels))
        self.norm = normal(norm, out_channels)
        last = silent(Conv2d(out_channels, out_channels, 3, padding=1))
        self.last = nn.Sequential(SiLU(), Dropout(dropout), last)
        same = in_channels == out_channels
        self.short = nn.Identity() if same else Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"], told: Float[Tensor, "b d"]) -> Float[Tensor, "b c2 h w"]:
        scale, shift = self.told(told)[:, :, None, None].chunk(2, 1)
        y = self.norm(self.first(x)) * (1 + scale) + shift
        return self.short(x) + self.last(y)


class PlaceAttention(nn.Module):
    """Self-attention between all positions of a map; the result is added to the map.

    Args:
        channels: of the map.
        head: channels of each head.
        norm: which normalisation.
    """

    def __init__(self, channels: int, head: int = 32, norm: Norm = "group") -> None:
        super().__init__()
        if channels % head:
            raise ValueError(f"{channels} channels do not divide into heads of {head}. Try head={channels}.")
        self.heads = channels // head
        self.norm = normal(norm, channels)
        self.qkv = Conv2d(channels, 3 * channels, 1)
        self.out = silent(Conv2d(channels, channels, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        b, c, h, w = x.shape
        parts = self.qkv(self.norm(x)).view(b, 3, self.heads, c // self.heads, h * w)
        q, k, v = parts.transpose(-1, -2).unbind(1)
        return x + self.out(attend(q, k, v).transpose(-1, -2).reshape(b, c, h, w))


class Upsample(nn.Module):
    """Every pixel becomes four, then a convolution smooths."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        return self.conv(nn.functional.interpolate(x, scale_factor=2.0, mode="nearest"))
