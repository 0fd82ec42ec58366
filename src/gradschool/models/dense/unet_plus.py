"""UNet++: the shortcuts of a U-Net are filled with convolutions, so that what is joined is alike.

Source: Zhou et al. 2018, eq. 1. Deviations: no deep supervision; padded convolutions, batch normalisation.
"""

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images
from gradschool.nn.unet import AnySize, Up, double_conv


class UNetPlus(AnySize):
    """Node (i, j) of size i joins all earlier nodes of its size with the one below, at twice its size.

    Args:
        labels: scores a pixel.
        channels: of the pictures.
        width: channels of the finest size; each coarser one has twice as many.
        depth: how often the picture is halved.
    """

    def __init__(self, labels: int, channels: int, width: int, depth: int) -> None:
        super().__init__(2**depth)
        self.channels = channels
        widths = [width * 2**i for i in range(depth + 1)]
        # 1. Down the left edge.
        ins = [channels, *widths]
        self.pool = nn.MaxPool2d(2)
        self.edge = nn.ModuleList(double_conv(a, b) for a, b in zip(ins, widths, strict=False))
        # 2. Columns to the right: each is one node shorter than the one before.
        self.columns = nn.ModuleList(
            nn.ModuleList(Up(widths[i + 1], j * widths[i], widths[i]) for i in range(depth + 1 - j))
            for j in range(1, depth + 1)
        )
        self.head = nn.Conv2d(width, labels, 1)
        he_(self)

    def inner(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 1)
        # 1. All sizes, finest first; `rows` holds every node of a size so far.
        rows: list[list[Tensor]] = []
        for stage in self.edge:
            x = stage(self.pool(rows[-1][0]) if rows else x)
            rows.append([x])
        # 2. Column by column; a node sees all nodes to its left and the last one below.
        for column in self.columns:
            assert isinstance(column, nn.ModuleList)
            new = [node(rows[i + 1][-1], torch.cat(rows[i], 1)) for i, node in enumerate(column)]
            for row, value in zip(rows, new, strict=False):
                row.append(value)
        return self.head(rows[0][-1])


def unet_plus(labels: int, channels: int = 3, width: int = 32, depth: int = 4) -> UNetPlus:
    """9.2 million parameters: U-Net's and the nodes between."""
    return UNetPlus(labels, channels, width, depth)
