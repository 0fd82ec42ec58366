"""DenseNet: every layer sees the maps of all layers before it in its block, and adds a few of its own.

Source: Huang et al. 2017, table 1 and section 3 (DenseNet-BC: bottlenecks, and transitions that halve maps).
Parameters bear torchvision's names. Deviation: activations are kept, not recomputed to save memory.
"""

from collections import OrderedDict

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images


class DenseLayer(nn.Module):
    """1x1 convolution to 4 x growth maps, 3x3 convolution to `growth`, each after normalisation and ReLU."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu(self.norm1(x)))
        new = self.conv2(self.relu(self.norm2(new)))
        return torch.cat([x, new], 1)


def dense_block(in_channels: int, growth: int, depth: int) -> nn.Sequential:
    """Dense layers in a row: `depth` x `growth` maps more than came in."""
    layers = [(f"denselayer{i + 1}", DenseLayer(in_channels + i * growth, growth)) for i in range(depth)]
    return nn.Sequential(OrderedDict(layers))


def transition(in_channels: int) -> nn.Sequential:
    """Half the maps at half the size."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(in_channels),
            relu=nn.ReLU(),
            conv=nn.Conv2d(in_channels, in_channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


def large_stem(channels: int, width: int) -> OrderedDict[str, nn.Module]:
    """To a quarter of the size."""
    return OrderedDict(
        conv0=nn.Conv2d(channels, width, 7, 2, 3, bias=False),
        norm0=nn.BatchNorm2d(width),
        relu0=nn.ReLU(),
        pool0=nn.MaxPool2d(3, 2, 1),
    )


class DenseNet(nn.Module):
    """Stem, dense blocks with transitions between them, a last normalisation, mean over places, linear head.

    Args:
        stem: layers by name, of which conv0 sees the image.
        growth: maps that a layer adds.
        depths: layers in each block.
        classes: outputs.
        smallest: fewest pixels along a side: what the stem and every transition can halve.
    """

    def __init__(
        self,
        stem: OrderedDict[str, nn.Module],
        growth: int,
        depths: tuple[int, ...],
        classes: int,
        smallest: int = 29,
    ) -> None:
        super().__init__()
        first = stem["conv0"]
        assert isinstance(first, nn.Conv2d)
        self.channels, self.smallest, width = first.in_channels, smallest, first.out_channels
        layers = OrderedDict(stem)
        for i, depth in enumerate(depths, 1):
            layers[f"denseblock{i}"] = dense_block(width, growth, depth)
            width += depth * growth
            if i < len(depths):
                layers[f"transition{i}"] = transition(width)
                width //= 2
        layers[f"norm{len(depths) + 1}"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(layers)
        self.relu, self.pool = nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, classes)
        he_(self)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, self.smallest)
        x = self.relu(self.features(x))
        return self.classifier(self.pool(x).flatten(1))


def densenet121(classes: int, channels: int = 3) -> DenseNet:
    """DenseNet-121: 8.0 million parameters."""
    return DenseNet(large_stem(channels, 64), 32, (6, 12, 24, 16), classes)


def densenet161(classes: int, channels: int = 3) -> DenseNet:
    """DenseNet-161: 28.7 million parameters."""
    return DenseNet(large_stem(channels, 96), 48, (6, 12, 36, 24), classes)


def densenet169(classes: int, channels: int = 3) -> DenseNet:
    """DenseNet-169: 14.1 million parameters."""
    return DenseNet(large_stem(channels, 64), 32, (6, 12, 32, 32), classes)


def densenet201(classes: int, channels: int = 3) -> DenseNet:
    """DenseNet-201: 20.0 million parameters."""
    return DenseNet(large_stem(channels, 64), 32, (6, 12, 48, 32), classes)


def densenet100_small(classes: int, channels: int = 3) -> DenseNet:
    """DenseNet-BC with 100 layers and growth 12, for 32 pixels: 769,162 parameters for ten classes."""
    stem: OrderedDict[str, nn.Module] = OrderedDict(conv0=nn.Conv2d(channels, 24, 3, 1, 1, bias=False))
    return DenseNet(stem, 12, (16, 16, 16), classes, 4)
