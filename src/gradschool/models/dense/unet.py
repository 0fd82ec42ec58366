"""U-Net: down to what is there, up again to where it is, with a shortcut at every size.

Source: Ronneberger et al. 2015, figure 1; gated shortcuts: Oktay et al. 2018. Deviations: padded
convolutions, batch normalisation, 16 to 64 channels in the first stage. Binary masks are two classes: a
softmax over two scores is the sigmoid of their difference.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import init

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images
from gradschool.nn.limit import limited
from gradschool.nn.unet import AnySize, GatedUp, Up, WayUp, double_conv


class UNet(AnySize):
    """One score a label for every pixel.

    Args:
        labels: scores a pixel.
        channels: of the pictures.
        width: channels of the first stage; each further stage has twice as many.
        depth: how often the picture is halved.
        step: builds one step up.
    """

    def __init__(
        self, labels: int, channels: int, width: int, depth: int, step: Callable[[int, int, int], Up] = Up
    ) -> None:
        super().__init__(2**depth)
        self.channels = channels
        widths = [width * 2**i for i in range(depth + 1)]
        # 1. Down: two convolutions, then the maximum over 2x2.
        self.first = double_conv(channels, width)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), double_conv(a, b)) for a, b in pairwise(widths)
        )
        # 2. Up again, and one score a label.
        self.up = WayUp(widths, step)
        he_(self)
        self.head = nn.Conv2d(
            width, labels, 1
        )  # small at first, or the first answers would be sure and wrong

    def inner(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 1)
        maps = [self.first(x)]
        for stage in self.down:
            maps.append(stage(maps[-1]))
        return self.head(self.up(maps))


class UNetRestorer(nn.Module):
    """A U-Net that restores pictures: damaged picture and mask in, whole picture on the scale 0 to 1 out.

    Args:
        net: pictures with the mask as a further channel to a correction of the picture.
    """

    def __init__(self, net: UNet) -> None:
        super().__init__()
        self.net = net
        # It begins by leaving pictures almost as they are.
        init.zeros_(net.head.weight)

    def forward(self, damaged: Tensor, mask: Tensor) -> Tensor:
        return limited(damaged + self.net(torch.cat([damaged, mask.to(damaged.dtype)], 1)))


def unet(labels: int, channels: int = 3, width: int = 32, depth: int = 4) -> UNet:
    """7.8 million parameters; 31 million with the paper's width of 64."""
    return UNet(labels, channels, width, depth)


def attention_unet(labels: int, channels: int = 3, width: int = 32, depth: int = 4) -> UNet:
    """U-Net with gates on its shortcuts."""
    return UNet(labels, channels, width, depth, GatedUp)


def unet_restorer(channels: int, side: int, width: int = 16, depth: int = 2) -> UNetRestorer:
    """A small U-Net for pictures of any size; `side` does not matter."""
    return UNetRestorer(UNet(channels, channels + 1, width, depth))
