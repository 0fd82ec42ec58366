"""Residual blocks, and the trunk that strings them together: what ResNet and all its relatives share.

Source: He et al. 2016a, sections 3.3 and 4.1. Deviation: where a bottleneck halves the image, its 3x3
convolution does, not its first 1x1, which would skip three quarters of the places (as in torchvision).
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from gradschool.nn.activation import ReLU
from gradschool.nn.conv import Conv2d
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images
from gradschool.nn.linear import Linear
from gradschool.nn.norm import BatchNorm2d
from gradschool.nn.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

Shortcut = Callable[[int, int, int], nn.Module]


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A shortcut that changes the shape by a 1x1 convolution; the identity where the shape stays."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(Conv2d(in_channels, out_channels, 1, stride, bias=False), BatchNorm2d(out_channels))


def pooled_projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The same, but average first: a strided 1x1 convolution skips three quarters of the places.

    Source: He et al. 2019, section 4.2, "ResNet-D".
    """
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    mean = AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
    return nn.Sequential(mean, Conv2d(in_channels, out_channels, 1, bias=False), BatchNorm2d(out_channels))


class Residual(nn.Module):
    """relu(residual(x) + shortcut(x)): a layer learns the difference to its input."""

    downsample: nn.Module
    relu: nn.Module
    out_channels: int

    def residual(self, x: Tensor) -> Tensor:
        """The learned difference."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x) + self.downsample(x))


class BasicBlock(Residual):
    """Two 3x3 convolutions.

    Args:
        in_channels: of the input.
        channels: of the output.
        stride: of the first convolution and the shortcut.
        shortcut: builds the path around them from channels in, channels out and stride.
    """

    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, shortcut: Shortcut = projection
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.conv1 = Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm2d(channels)
        self.conv2 = Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm2d(channels)
        self.relu = ReLU()
        self.downsample = shortcut(in_channels, channels, stride)

    def residual(self, x: Tensor) -> Tensor:
        """The learned difference f(x), without shortcut; `forward` computes relu(f(x) + shortcut(x)).

        Args:
            x: feature maps (b, in_channels, h, w).

        Returns:
            (b, channels, h / stride, w / stride), sides rounded up; values of both signs.
        """
        # 1. First convolution, batch normalisation, ReLU.
        x = self.relu(self.bn1(self.conv1(x)))
        # 2. Second convolution and batch normalisation; no ReLU, since a difference may be negative.
        return self.bn2(self.conv2(x))


class Bottleneck(Residual):
    """1x1 to fewer channels, 3x3 among them, 1x1 to four times `channels`.

    Args:
        in_channels: of the input.
        channels: a quarter of the output's.
        stride: of the 3x3 convolution and the shortcut.
        shortcut: as in BasicBlock.
        groups: of the 3x3 convolution; more than one makes it ResNeXt's.
        width: channels of a group for every 64 of `channels`.
    """

    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, shortcut: Shortcut = projection,
        groups: int = 1, width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        self.out_channels = 4 * channels
        inner = channels * width // 64 * groups
        self.conv1 = Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = BatchNorm2d(inner)
        self.conv2 = Conv2d(inner, inner, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = BatchNorm2d(inner)
        self.conv3 = Conv2d(inner, self.out_channels, 1, bias=False)
        self.bn3 = BatchNorm2d(self.out_channels)
        self.relu = ReLU()
        self.downsample = shortcut(in_channels, self.out_channels, stride)

    def residual(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


Block = Callable[[int, int, int], Residual]


def stage(block: Block, in_channels: int, channels: int, depth: int, stride: int) -> nn.Sequential:
    """`depth` blocks in a row; the first one changes the shape."""
    first = block(in_channels, channels, stride)
    return nn.Sequential(first, *[block(first.out_channels, channels, 1) for _ in range(depth - 1)])


def outputs(blocks: nn.Sequential) -> int:
    """Channels that a stage gives."""
    last = blocks[-1]
    assert isinstance(last, Residual)
    return last.out_channels


class ResidualNet(nn.Module):
    """Stem, four stages that each halve the image and double the channels, mean over places, linear head.

    Args:
        block: builds a block from channels in, channels and stride.
        depths: blocks in each of the four stages.
        classes: outputs.
        channels: of the images.
    """

    smallest = 17  # five halvings, each of two pixels or more

    def __init__(self, block: Block, depths: Sequence[int], classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        # 1. The stem takes the image to 64 channels at a quarter of its size.
        self.conv1 = self.first(channels)
        self.bn1, self.relu, self.maxpool = BatchNorm2d(64), ReLU(), self.shrink()
        # 2. Four stages.
        self.layer1 = stage(block, 64, 64, depths[0], 1)
        self.layer2 = stage(block, outputs(self.layer1), 128, depths[1], 2)
        self.layer3 = stage(block, outputs(self.layer2), 256, depths[2], 2)
        self.layer4 = stage(block, outputs(self.layer3), 512, depths[3], 2)
        # 3. The head.
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc = Linear(outputs(self.layer4), classes)
        he_(self)

    def first(self, channels: int) -> nn.Module:
        """The convolution that sees the image."""
        return Conv2d(channels, 64, 7, 2, 3, bias=False)

    def shrink(self) -> nn.Module:
        """What the stem ends with."""
        return MaxPool2d(3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, self.smallest)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))
