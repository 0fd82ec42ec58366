"""SENet: every block weighs its channels by what it sees in the whole image.

Source: Hu, Shen and Sun 2018, section 3 and figure 3; names as in timm's seresnet18 and seresnet50.
Deviations, as there: the two fully connected layers are 1x1 convolutions, the squeezed width is at least 8,
and the trunk is ResNet's (`nn/residual.py`), with the stride in the 3x3 convolution.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.residual import BasicBlock, Bottleneck, ResidualNet


class SqueezeExcite(nn.Module):
    """Squeeze each channel to its mean, excite by a small network, scale the channels by the answer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(8, channels // 16)
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.fc2(self.relu(self.fc1(self.squeeze(x)))))


class SEBasicBlock(BasicBlock):
    """A basic block that weighs its residual's channels."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__(in_channels, channels, stride)
        self.se = SqueezeExcite(self.out_channels)

    def residual(self, x: Tensor) -> Tensor:
        return self.se(super().residual(x))


class SEBottleneck(Bottleneck):
    """A bottleneck that weighs its residual's channels."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__(in_channels, channels, stride)
        self.se = SqueezeExcite(self.out_channels)

    def residual(self, x: Tensor) -> Tensor:
        return self.se(super().residual(x))


def se_resnet18(classes: int, channels: int = 3) -> ResidualNet:
    """SE-ResNet-18: 11.8 million parameters; timm's seresnet18."""
    return ResidualNet(SEBasicBlock, (2, 2, 2, 2), classes, channels)


def se_resnet50(classes: int, channels: int = 3) -> ResidualNet:
    """SE-ResNet-50: 28.1 million parameters; timm's seresnet50."""
    return ResidualNet(SEBottleneck, (3, 4, 6, 3), classes, channels)
