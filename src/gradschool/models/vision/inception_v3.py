"""Inception v3: large filters factored into small and flat ones (5x5 into two 3x3, 7x7 into 1x7 and 7x1).

Source: Szegedy et al. 2016, figures 5 to 7 and 10, table 1. Deviation: the auxiliary head, which only serves
training, is left out. Stages bear torchvision's names.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from gradschool import nn
from gradschool.nn.inception import Branches, ConvUnit
from gradschool.nn.inputs import check_images


def mixed_35(in_channels: int, pooled: int) -> Branches:
    """At 35x35 places (figure 5): two 3x3 convolutions see as far as one 5x5."""
    return Branches(
        {
            "branch1x1": ConvUnit(in_channels, 64),
            "branch5x5": nn.Sequential(ConvUnit(in_channels, 48), ConvUnit(48, 64, 5)),
            "branch3x3dbl": nn.Sequential(
                ConvUnit(in_channels, 64), ConvUnit(64, 96, 3), ConvUnit(96, 96, 3)
            ),
            "branch_pool": nn.Sequential(nn.AvgPool2d(3, 1, 1), ConvUnit(in_channels, pooled)),
        }
    )


def shrink_35(in_channels: int) -> Branches:
    """From 35x35 to 17x17 places (figure 10): convolutions and pooling with stride 2, side by side."""
    return Branches(
        {
            "branch3x3": ConvUnit(in_channels, 384, 3, 2, 0),
            "branch3x3dbl": nn.Sequential(
                ConvUnit(in_channels, 64), ConvUnit(64, 96, 3), ConvUnit(96, 96, 3, 2, 0)
            ),
            "branch_pool": nn.MaxPool2d(3, 2),
        }
    )


def mixed_17(in_channels: int, width: int) -> Branches:
    """At 17x17 places (figure 6): 7x7 as 1x7 and 7x1, once and twice."""
    return Branches(
        {
            "branch1x1": ConvUnit(in_channels, 192),
            "branch7x7": nn.Sequential(
                ConvUnit(in_channels, width), ConvUnit(width, width, (1, 7)), ConvUnit(width, 192, (7, 1))
            ),
            "branch7x7dbl": nn.Sequential(
                ConvUnit(in_channels, width),
                ConvUnit(width, width, (7, 1)),
                ConvUnit(width, width, (1, 7)),
                ConvUnit(width, width, (7, 1)),
                ConvUnit(width, 192, (1, 7)),
            ),
            "branch_pool": nn.Sequential(nn.AvgPool2d(3, 1, 1), ConvUnit(in_channels, 192)),
        }
    )


def shrink_17(in_channels: int) -> Branches:
    """From 17x17 to 8x8 places."""
    return Branches(
        {
            "branch3x3": nn.Sequential(ConvUnit(in_channels, 192), ConvUnit(192, 320, 3, 2, 0)),
            "branch7x7x3": nn.Sequential(
                ConvUnit(in_channels, 192),
                ConvUnit(192, 192, (1, 7)),
                ConvUnit(192, 192, (7, 1)),
                ConvUnit(192, 192, 3, 2, 0),
            ),
            "branch_pool": nn.MaxPool2d(3, 2),
        }
    )


def split(in_channels: int) -> Branches:
    """3x3 as 1x3 and 3x1 side by side, 384 channels each."""
    flat, tall = ConvUnit(in_channels, 384, (1, 3)), ConvUnit(in_channels, 384, (3, 1))
    return Branches({"a": flat, "b": tall})


def mixed_8(in_channels: int) -> Branches:
    """At 8x8 places (figure 7): wide, because this is where features become classes."""
    return Branches(
        {
            "branch1x1": ConvUnit(in_channels, 320),
            "branch3x3": nn.Sequential(ConvUnit(in_channels, 384), split(384)),
            "branch3x3dbl": nn.Sequential(ConvUnit(in_channels, 448), ConvUnit(448, 384, 3), split(384)),
            "branch_pool": nn.Sequential(nn.AvgPool2d(3, 1, 1), ConvUnit(in_channels, 192)),
        }
    )


class InceptionV3(nn.Module):
    """Stem, eleven modules at three sizes, mean over places, dropout, linear head; made for 299 pixels."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        # 1. The stem: 299 pixels to 35x35 places.
        self.Conv2d_1a_3x3 = ConvUnit(channels, 32, 3, 2, 0)
        self.Conv2d_2a_3x3 = ConvUnit(32, 32, 3, 1, 0)
        self.Conv2d_2b_3x3 = ConvUnit(32, 64, 3)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = ConvUnit(64, 80)
        self.Conv2d_4a_3x3 = ConvUnit(80, 192, 3, 1, 0)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        # 2. Modules.
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = mixed_35(192, 32), mixed_35(256, 64), mixed_35(288, 64)
        self.Mixed_6a = shrink_35(288)
        self.Mixed_6b, self.Mixed_6c = mixed_17(768, 128), mixed_17(768, 160)
        self.Mixed_6d, self.Mixed_6e = mixed_17(768, 160), mixed_17(768, 192)
        self.Mixed_7a = shrink_17(768)
        self.Mixed_7b, self.Mixed_7c = mixed_8(1280), mixed_8(2048)
        # 3. The head.
        self.avgpool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout()
        self.fc = nn.Linear(2048, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 75)
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))


def inception_v3(classes: int, channels: int = 3) -> InceptionV3:
    """Inception v3: 23.8 million parameters."""
    return InceptionV3(classes, channels)


def from_torchvision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names for the weights of torchvision's inception_v3; the auxiliary head's are left out.

    torchvision numbers the layers of a branch from 1 (branch5x5_2; a pair is branch3x3_2a and 2b), ours from
    0 (branch5x5.1, branch3x3.1.a); ours counts a branch's pooling as a layer. torchvision's pretrained
    network also wants its input rescaled (transform_input), which is the caller's business.
    """
    renamed = {}
    for name, value in state.items():
        if not name.startswith("AuxLogits."):
            name = name.replace("branch_pool.", "branch_pool.1.")
            if numbered := re.search(r"(branch\w+)_(\d)([ab]?)\.", name):
                branch, number, half = numbered.groups()
                ours = f"{branch}.{int(number) - 1}.{half and half + '.'}"
                name = name.replace(numbered[0], ours)
            renamed[name] = value
    return renamed
