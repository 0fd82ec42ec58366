"""VGG: nothing but 3x3 convolutions and 2x2 pooling; two small filters see as far as one large, for less.

Source: Simonyan and Zisserman 2015, table 1 (columns A, B, D, E). Deviations: the variants with batch
normalisation (Ioffe and Szegedy 2015) are torchvision's; adaptive pooling so that any size fits; the small
variant has one linear layer in place of three, which hold nine tenths of the parameters.
"""

from collections.abc import Callable

from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images

DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
WIDTHS = (64, 128, 256, 512, 512)
Unit = Callable[[int, int], list[nn.Module]]


def plain_unit(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Convolution and ReLU."""
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU()]


def normed_unit(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Convolution, batch normalisation and ReLU."""
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]


class VGG(nn.Module):
    """Five rounds of convolutions and pooling, then three linear layers.

    Args:
        depth: layers with weights: 11, 13, 16 or 19.
        unit: builds one convolution with what follows it, from channels in and out.
        classes: outputs.
        channels: of the images.
    """

    def __init__(self, depth: int, unit: Unit, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        layers, before = [], channels
        for width, convolutions in zip(WIDTHS, DEPTHS[depth], strict=True):
            for _ in range(convolutions):
                layers += unit(before, width)
                before = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool, self.classifier = self.head(classes)
        he_(self)

    def head(self, classes: int) -> tuple[nn.Module, nn.Module]:
        """Pooling to 7x7 places, and the linear layers."""
        return nn.AdaptiveAvgPool2d(7), nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 32)
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class SmallVGG(VGG):
    """For images of 32 to 64 pixels: mean over places and one linear layer."""

    def head(self, classes: int) -> tuple[nn.Module, nn.Module]:
        return nn.AdaptiveAvgPool2d(1), nn.Linear(512, classes)


def vgg11(classes: int, channels: int = 3) -> VGG:
    """VGG-11: 132.9 million parameters."""
    return VGG(11, plain_unit, classes, channels)


def vgg11_bn(classes: int, channels: int = 3) -> VGG:
    """VGG-11 with batch normalisation: 132.9 million parameters."""
    return VGG(11, normed_unit, classes, channels)


def vgg13(classes: int, channels: int = 3) -> VGG:
    """VGG-13: 133.0 million parameters."""
    return VGG(13, plain_unit, classes, channels)


def vgg13_bn(classes: int, channels: int = 3) -> VGG:
    """VGG-13 with batch normalisation: 133.1 million parameters."""
    return VGG(13, normed_unit, classes, channels)


def vgg16(classes: int, channels: int = 3) -> VGG:
    """VGG-16: 138.4 million parameters."""
    return VGG(16, plain_unit, classes, channels)


def vgg16_bn(classes: int, channels: int = 3) -> VGG:
    """VGG-16 with batch normalisation: 138.4 million parameters."""
    return VGG(16, normed_unit, classes, channels)


def vgg19(classes: int, channels: int = 3) -> VGG:
    """VGG-19: 143.7 million parameters."""
    return VGG(19, plain_unit, classes, channels)


def vgg19_bn(classes: int, channels: int = 3) -> VGG:
    """VGG-19 with batch normalisation: 143.7 million parameters."""
    return VGG(19, normed_unit, classes, channels)


def vgg11_bn_small(classes: int, channels: int = 3) -> SmallVGG:
    """VGG-11 with batch normalisation for small images: 9.2 million parameters for ten classes."""
    return SmallVGG(11, normed_unit, classes, channels)


def vgg16_bn_small(classes: int, channels: int = 3) -> SmallVGG:
    """VGG-16 with batch normalisation for small images: 14.7 million parameters for ten classes."""
    return SmallVGG(16, normed_unit, classes, channels)
