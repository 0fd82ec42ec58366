"""AlexNet: five convolutions and three linear layers; the network with which deep learning took off.

Source: Krizhevsky 2014 ("One weird trick"), the single-tower form of Krizhevsky et al. 2012.
Deviations, as in torchvision: no local response normalisation, adaptive pooling so that any size fits.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import check_images


class AlexNet(nn.Module):
    """Features by convolution and overlapping pooling, then a classifier of linear layers with dropout."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.features = nn.Sequential(
            nn.Conv2d(channels, 64, 11, 4, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 63)
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def alexnet(classes: int, channels: int = 3) -> AlexNet:
    """AlexNet: 61.1 million parameters, 58.6 of them in the linear layers."""
    return AlexNet(classes, channels)
