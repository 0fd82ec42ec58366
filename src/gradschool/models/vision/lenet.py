"""LeNet-5 and two relatives: NetConv for 28 pixels and a small one for digits of 8 pixels.

Source: LeCun et al. 1998, section II.B. Deviations of LeNet-5: ReLU and max pooling for scaled tanh and
trained averages, every map of the second convolution sees all of the first, a linear head for radial basis
functions.
"""

from torch import Tensor
from torch.nn.functional import pad

from gradschool import nn
from gradschool.nn.inputs import check_images


class LeNet5(nn.Module):
    """Two convolutions, three linear layers; smaller images get a frame up to 32 pixels, as in the paper."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool, self.relu = nn.MaxPool2d(2), nn.ReLU()
        self.grid = nn.AdaptiveAvgPool2d(5)  # changes nothing at 32 pixels
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 20)
        # 1. A frame that makes smaller images 32 pixels wide.
        rows, columns = (max(0, 33 - side) // 2 for side in x.shape[2:])
        x = pad(x, (columns, columns, rows, rows))
        # 2. Two rounds of convolution and pooling.
        x = self.pool(self.relu(self.conv1(x)))
        x = self.grid(self.pool(self.relu(self.conv2(x))))
        # 3. Three linear layers.
        x = self.relu(self.fc2(self.relu(self.fc1(x.flatten(1)))))
        return self.fc3(x)


class NetConv(nn.Module):
    """Two convolutions and a hidden layer, all rectified."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = nn.Conv2d(channels, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
        self.pool, self.relu = nn.MaxPool2d(2), nn.ReLU()
        self.grid = nn.AdaptiveAvgPool2d(7)  # changes nothing at 28 pixels
        self.fc1, self.fc2 = nn.Linear(64 * 49, 256), nn.Linear(256, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 8)
        x = self.pool(self.relu(self.conv1(x)))
        x = self.grid(self.pool(self.relu(self.conv2(x))))
        return self.fc2(self.relu(self.fc1(x.flatten(1))))


class DigitsNet(nn.Module):
    """Three convolutions with batch normalisation, for images as small as 8x8."""

    def __init__(self, classes: int, channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
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
        check_images(x, self.channels, 4)
        return self.head(self.body(x))


def lenet5(classes: int, channels: int = 1) -> LeNet5:
    """LeNet-5: 61,706 parameters for ten classes of grey images."""
    return LeNet5(classes, channels)


def netconv(classes: int, channels: int = 1) -> NetConv:
    """NetConv: two convolutions, one hidden layer."""
    return NetConv(classes, channels)


def lenet_digits(classes: int, channels: int = 1, width: int = 16) -> DigitsNet:
    """A small LeNet for digits of 8x8 pixels."""
    return DigitsNet(classes, channels, width)
