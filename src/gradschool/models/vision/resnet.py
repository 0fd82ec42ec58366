"""ResNet: layers learn the difference to their input, so that a hundred of them train as easily as ten.

Source: He et al. 2016a, table 1. The blocks and the trunk are in `nn/residual.py`, shared with all relatives;
parameters bear torchvision's names.
Deviations: those of the blocks; the small variant's stem is the 3x3 convolution of section 4.2, no pooling.
"""

from gradschool import nn
from gradschool.nn.residual import BasicBlock, Bottleneck, ResidualNet


class SmallResNet(ResidualNet):
    """For images of 28 to 64 pixels: a stem that does not shrink them."""

    smallest = 5  # three halvings

    def first(self, channels: int) -> nn.Module:
        return nn.Conv2d(channels, 64, 3, 1, 1, bias=False)

    def shrink(self) -> nn.Module:
        return nn.Identity()


def resnet18(classes: int, channels: int = 3) -> ResidualNet:
    """ResNet-18: basic blocks, 11.7 million parameters."""
    return ResidualNet(BasicBlock, (2, 2, 2, 2), classes, channels)


def resnet34(classes: int, channels: int = 3) -> ResidualNet:
    """ResNet-34: basic blocks, 21.8 million parameters."""
    return ResidualNet(BasicBlock, (3, 4, 6, 3), classes, channels)


def resnet50(classes: int, channels: int = 3) -> ResidualNet:
    """ResNet-50: bottlenecks, 25.6 million parameters."""
    return ResidualNet(Bottleneck, (3, 4, 6, 3), classes, channels)


def resnet101(classes: int, channels: int = 3) -> ResidualNet:
    """ResNet-101: bottlenecks, 44.5 million parameters."""
    return ResidualNet(Bottleneck, (3, 4, 23, 3), classes, channels)


def resnet152(classes: int, channels: int = 3) -> ResidualNet:
    """ResNet-152: bottlenecks, 60.2 million parameters."""
    return ResidualNet(Bottleneck, (3, 8, 36, 3), classes, channels)


def resnet18_small(classes: int, channels: int = 3) -> SmallResNet:
    """ResNet-18 for small images."""
    return SmallResNet(BasicBlock, (2, 2, 2, 2), classes, channels)


def resnet34_small(classes: int, channels: int = 3) -> SmallResNet:
    """ResNet-34 for small images."""
    return SmallResNet(BasicBlock, (3, 4, 6, 3), classes, channels)


def resnet50_small(classes: int, channels: int = 3) -> SmallResNet:
    """ResNet-50 for small images."""
    return SmallResNet(Bottleneck, (3, 4, 6, 3), classes, channels)
