"""ShuffleNet v2: split the channels, work on one half, join, and shuffle; fast because memory is spared.

Source: Ma et al. 2018, section 3.2, figure 3c and d, table 5. Parameters bear torchvision's names.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import check_images


def shuffle(x: Tensor) -> Tensor:
    """Interleave the two halves of the channels, so that the next split mixes them."""
    b, c, h, w = x.shape
    return x.reshape(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)


def pointwise(in_channels: int, out_channels: int) -> list[nn.Module]:
    """1x1 convolution, normalisation, ReLU."""
    return [nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()]


def depthwise(channels: int, stride: int) -> list[nn.Module]:
    """A 3x3 filter for each channel, and normalisation."""
    conv = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [conv, nn.BatchNorm2d(channels)]


class Unit(nn.Module):
    """Half of the channels pass by, the other half goes through 1x1, depthwise 3x3 and 1x1 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch2 = nn.Sequential(*pointwise(half, half), *depthwise(half, 1), *pointwise(half, half))

    def forward(self, x: Tensor) -> Tensor:
        kept, changed = x.chunk(2, 1)
        return shuffle(torch.cat([kept, self.branch2(changed)], 1))


class DownUnit(nn.Module):
    """Both halves see the whole input and halve its size."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch1 = nn.Sequential(*depthwise(in_channels, 2), *pointwise(in_channels, half))
        self.branch2 = nn.Sequential(
            *pointwise(in_channels, half), *depthwise(half, 2), *pointwise(half, half)
        )

    def forward(self, x: Tensor) -> Tensor:
        return shuffle(torch.cat([self.branch1(x), self.branch2(x)], 1))


class ShuffleNetV2(nn.Module):
    """Stem, three stages, a last 1x1 convolution, mean over places, linear head.

    Args:
        widths: channels of the three stages.
        classes: outputs.
        channels: of the images.
    """

    def __init__(self, widths: Sequence[int], classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(channels, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU()
        )
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2, self.stage3, self.stage4 = (
            nn.Sequential(DownUnit(before, width), *[Unit(width) for _ in range(depth - 1)])
            for before, width, depth in zip((24, *widths), widths, (4, 8, 4), strict=False)
        )
        self.conv5 = nn.Sequential(*pointwise(widths[-1], 1024))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 17)
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.pool(self.conv5(x)).flatten(1))


def shufflenet_v2_x0_5(classes: int, channels: int = 3) -> ShuffleNetV2:
    """ShuffleNet v2 0.5x: 1.4 million parameters."""
    return ShuffleNetV2((48, 96, 192), classes, channels)


def shufflenet_v2_x1_0(classes: int, channels: int = 3) -> ShuffleNetV2:
    """ShuffleNet v2 1x: 2.3 million parameters."""
    return ShuffleNetV2((116, 232, 464), classes, channels)
