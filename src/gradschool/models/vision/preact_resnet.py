"""Pre-activation ResNet: normalise and rectify before each convolution, and leave the sum alone.

Nothing stands between the blocks, so the gradient reaches every block directly.
Source: He et al. 2016b, figure 4e; names as in timm (resnetv2_18, ...). Deviations: the stride is in the 3x3
convolution; the small variant has a 3x3 stem that does not shrink the image.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images


class PreActBasic(nn.Module):
    """Two 3x3 convolutions, each after normalisation and ReLU; the shortcut projects where shapes differ."""

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.relu = nn.ReLU()
        self.downsample = project(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.norm1(x))
        shortcut = x if self.downsample is None else self.downsample(active)
        return self.conv2(self.relu(self.norm2(self.conv1(active)))) + shortcut


class PreActBottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions, each after normalisation and ReLU."""

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.relu = nn.ReLU()
        self.downsample = project(in_channels, 4 * channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu(self.norm1(x))
        shortcut = x if self.downsample is None else self.downsample(active)
        y = self.conv2(self.relu(self.norm2(self.conv1(active))))
        return self.conv3(self.relu(self.norm3(y))) + shortcut


def project(in_channels: int, out_channels: int, stride: int) -> nn.Module | None:
    """A 1x1 convolution where the shape changes, else nothing."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)


class PreActResNet(nn.Module):
    """Stem, four stages of pre-activation blocks, a last normalisation, mean over places, linear head."""

    smallest = 17  # five halvings, each of two pixels or more

    def __init__(
        self,
        block: type[PreActBasic] | type[PreActBottleneck],
        depths: Sequence[int],
        classes: int,
        channels: int,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.stem = self.first(channels)
        stages, width = [], 64
        for number, depth in enumerate(depths):
            inner, blocks = 64 * 2**number, []
            for place in range(depth):
                blocks.append(block(width, inner, 2 if number and place == 0 else 1))
                width = inner * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.norm, self.relu = nn.BatchNorm2d(width), nn.ReLU()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(width, classes)
        he_(self)

    def first(self, channels: int) -> nn.Sequential:
        """The stem: to 64 channels at a quarter of the size."""
        return nn.Sequential(nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, self.smallest)
        x = self.relu(self.norm(self.stages(self.stem(x))))
        return self.fc(self.pool(x).flatten(1))


class SmallPreActResNet(PreActResNet):
    """For images of 28 to 64 pixels."""

    smallest = 5

    def first(self, channels: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(channels, 64, 3, 1, 1, bias=False))


def resnetv2_18(classes: int, channels: int = 3) -> PreActResNet:
    """Pre-activation ResNet-18: 11.7 million parameters."""
    return PreActResNet(PreActBasic, (2, 2, 2, 2), classes, channels)


def resnetv2_50(classes: int, channels: int = 3) -> PreActResNet:
    """Pre-activation ResNet-50: 25.5 million parameters."""
    return PreActResNet(PreActBottleneck, (3, 4, 6, 3), classes, channels)


def resnetv2_101(classes: int, channels: int = 3) -> PreActResNet:
    """Pre-activation ResNet-101: 44.5 million parameters."""
    return PreActResNet(PreActBottleneck, (3, 4, 23, 3), classes, channels)


def resnetv2_18_small(classes: int, channels: int = 3) -> SmallPreActResNet:
    """Pre-activation ResNet-18 for small images."""
    return SmallPreActResNet(PreActBasic, (2, 2, 2, 2), classes, channels)


def from_timm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names for the weights of timm's resnetv2_18, resnetv2_50 and resnetv2_101.

    timm's stages hold a list called `blocks`, its projections wrap their convolution, and its head is a 1x1
    convolution.
    """
    renamed = {
        name.replace(".blocks.", ".")
        .replace("downsample.conv.", "downsample.")
        .replace("stem.conv.", "stem.0.")
        .replace("head.fc.", "fc."): value
        for name, value in state.items()
    }
    return renamed | {"fc.weight": renamed["fc.weight"].flatten(1)}
