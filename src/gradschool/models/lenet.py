"""LeNet-5 and two smaller relatives for the first lessons.

Source: LeCun et al. 1998, section II.B. Deviations: max pooling and ReLU in place of trained averages and
scaled tanh, every map of the second convolution sees all of the first, a linear head in place of radial
basis functions.
"""

from torch import Tensor

from gradschool import nn


class LeNet5(nn.Module):
    """Two convolutions, three linear layers; 28 by 28 images are padded to the 32 by 32 of the paper."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.MaxPool2d(2)
        self.act = nn.ReLU()
        self.grid = nn.AdaptiveAvgPool2d(5)
        self.head = nn.Sequential(
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < 12:
            raise ValueError(f"images are {x.shape[-1]}x{x.shape[-2]}, 12x12 or larger was wanted")
        x = self.pool(self.act(self.conv1(x)))
        x = self.pool(self.act(self.conv2(x)))
        return self.head(self.grid(x).flatten(1))


class DigitsNet(nn.Module):
    """Three convolutions with batch normalisation for images as small as 8 by 8."""

    def __init__(self, classes: int, channels: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ConvNormAct(channels, width),
            nn.ConvNormAct(width, 2 * width),
            nn.MaxPool2d(2),
            nn.ConvNormAct(2 * width, 4 * width),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(16 * width, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def lenet5(classes: int, channels: int = 1) -> LeNet5:
    """LeNet-5: 61,706 parameters for ten classes of grey images."""
    return LeNet5(classes, channels)


def lenet_digits(classes: int, channels: int = 1, width: int = 16) -> DigitsNet:
    """A small LeNet for 8 by 8 digits."""
    return DigitsNet(classes, channels, width)
