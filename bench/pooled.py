"""A convolutional network of pictures of any size: global mean pooling, or a spatial pyramid.

Sources: Lin et al. 2014, section 3.2 (global average pooling); He et al. 2014, section 2.1 (spatial pyramid
pooling: the largest value in each cell of grids of 1, 2 x 2 and 4 x 4). Pictures of a batch are filled up to
the largest with zeros; what is beyond a picture's edge is 0 before every convolution, so that each has the
answer that it has alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, pad

from gradschool.data.augment.geometry import resize
from gradschool.data.vision.sized.rows import Batch, Packing
from gradschool.runs.classification.native import NativeRun

GRIDS = (1, 2, 4)
Pooling = Literal["mean", "pyramid"]


class ChannelNorm(nn.Module):
    """Layer normalisation of the channels of each place, which no other place takes part in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same."""
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Half as many rows and columns, then a residual convolution."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(before, channels, 3, 2, 1), ChannelNorm(channels), nn.GELU())
        self.refine = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1), ChannelNorm(channels), nn.GELU())

    def forward(self, x: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and how much of each is picture."""
        x, sizes = self.down(x), (sizes + 1) // 2
        mask = inside(x, sizes)
        x = x * mask
        return (x + self.refine(x)) * mask, sizes


class PooledNet(nn.Module):
    """Four stages, a pooling that gives as many numbers for any size, a linear head.

    Args:
        classes: outputs.
        width: channels of the first stage; each further one has twice as many.
        pooling: mean over all places, or the pyramid.
    """

    def __init__(self, classes: int, width: int = 24, pooling: Pooling = "mean") -> None:
        super().__init__()
        widths = [3, *(width * 2**i for i in range(4))]
        self.stages = nn.ModuleList(Stage(before, after) for before, after in pairwise(widths))
        self.pooling = pooling
        cells = sum(grid**2 for grid in GRIDS) if pooling == "pyramid" else 1
        self.head = nn.Linear(cells * widths[-1], classes)

    def forward(self, pixels: Tensor, sizes: Tensor) -> Tensor:
        """Logits of pictures (b, 3, h, w), of which `sizes` (b, 2) are the heights and widths."""
        x = pixels
        for stage in self.stages:
            x, sizes = stage(x, sizes)
        if self.pooling == "mean":
            return self.head(x.sum((2, 3)) / sizes.prod(1, keepdim=True))
        rows = [pyramid(one[:, :h, :w]) for one, (h, w) in zip(x, sizes.tolist(), strict=True)]
        return self.head(torch.stack(rows))


def inside(x: Tensor, sizes: Tensor) -> Tensor:
    """1 where there is picture, 0 beyond its edges, (b, 1, h, w)."""
    rows = torch.arange(x.shape[2], device=x.device) < sizes[:, :1]
    columns = torch.arange(x.shape[3], device=x.device) < sizes[:, 1:]
    return (rows[:, None, :, None] & columns[:, None, None, :]).to(x.dtype)


def pyramid(x: Tensor) -> Tensor:
    """The largest value of each channel in each cell of the grids, as one row."""
    return torch.cat([adaptive_max_pool2d(x, grid).flatten() for grid in GRIDS])


@dataclass(frozen=True)
class Padding(Packing):
    """How pictures become one tensor: filled up to the largest, or stretched to squares of one side."""

    square: int | None = None

    def rows(self, images: Sequence[Tensor], labels: Tensor) -> Batch:
        """Pixels (b, 3, h, w), normalised, the sizes (b, 2), and the labels."""
        mean, std = (torch.tensor(each)[:, None, None] for each in (self.mean, self.std))
        if self.square:
            side = (self.square, self.square)
            scaled = [resize(image[None].float() / 255, side)[0] for image in images]
        else:
            scaled = [image.float() / 255 for image in images]
        sizes = torch.tensor([each.shape[1:] for each in scaled])
        high, wide = sizes.amax(0).tolist()
        filled = [
            pad((each - mean) / std, (0, wide - each.shape[2], 0, high - each.shape[1])) for each in scaled
        ]
        return torch.stack(filled), sizes, labels  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class PooledRun(NativeRun):
    """The recipe `native` with convolutions and a pooling in place of packed patches."""

    kind: ClassVar[str] = "pooled_native"
    title: ClassVar[str] = "a convolutional classifier of pictures of any size"

    pooling: Pooling = "mean"
    width: int = 24
    square: int | None = None
    """Side to which all pictures are stretched; None keeps their sizes."""

    def packing(self, mean: Sequence[float], std: Sequence[float]) -> Padding:
        """How pictures become a batch."""
        return Padding(self.patch, 1, tuple(mean), tuple(std), self.flip, self.square)

    def build(self, count: int) -> nn.Module:
        """The network, with random weights."""
        return PooledNet(count, self.width, self.pooling)
