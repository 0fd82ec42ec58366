"""Network in network: each convolution is followed by two 1x1 ones, and the head is a mean over places.

Source: Lin, Chen and Yan 2014, sections 3.1 and 3.2; widths of the authors' CIFAR-10 model.
Deviation: the second pooling takes means, as in the authors' published model.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images


def mlpconv(in_channels: int, widths: tuple[int, int, int], kernel: int) -> nn.Sequential:
    """A convolution and a small network that slides with it: two 1x1 convolutions.

    Args:
        in_channels: of the input.
        widths: output channels of the three convolutions.
        kernel: pixels along each side of the first.
    """
    first, second, third = widths
    return nn.Sequential(
        nn.Conv2d(in_channels, first, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.Conv2d(first, second, 1),
        nn.ReLU(),
        nn.Conv2d(second, third, 1),
        nn.ReLU(),
    )


class NiN(nn.Module):
    """Three mlpconv layers; the last gives one map a class, whose mean is the class's score."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.block1 = mlpconv(channels, (192, 160, 96), 5)
        self.pool1, self.drop1 = nn.MaxPool2d(3, 2, 1), nn.Dropout()
        self.block2 = mlpconv(96, (192, 192, 192), 5)
        self.pool2, self.drop2 = nn.AvgPool2d(3, 2, 1), nn.Dropout()
        self.block3 = mlpconv(192, (192, 192, classes), 3)
        self.pool3 = nn.AdaptiveAvgPool2d(1)
        he_(self)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 8)
        x = self.drop1(self.pool1(self.block1(x)))
        x = self.drop2(self.pool2(self.block2(x)))
        return self.pool3(self.block3(x)).flatten(1)


def nin(classes: int, channels: int = 3) -> NiN:
    """NiN: 966,986 parameters for ten classes; made for 32 pixels."""
    return NiN(classes, channels)
