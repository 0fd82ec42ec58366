"""A convolutional network made to learn CIFAR-10 in seconds: its first layer needs no learning.

Source: Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", sections 3.1 to 3.4 (whitening, dirac
start, scaled shifts), after Page 2018. Deviations: the whitening bias learns to the end; a shift that counts
eight times stands for a rate 64 times as high, which is the same for plain gradient steps; the last pooling
takes the maximum of whatever is left, so that any size fits.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.conv import uniform_
from gradschool.nn.inputs import check_images
from gradschool.ops.conv import conv2d, windows

WINDOW = 2  # side of the patches that are whitened
STRENGTH = 8.0  # of the shifts: a gradient step through a factor of 8 is 8 x 8 times as long
SCALE = 1 / 9  # of the logits


def whitening_filters(images: Tensor, eps: float = 5e-4) -> Tensor:
    """Filters whose answers to patches of these images are uncorrelated and of size 1.

    Args:
        images: normalised, (n, channels, height, width).
        eps: added to the variances, so that directions in which nothing happens are not blown up.
    Returns:
        (patch, channels, 2, 2) with patch = 4 channels: one filter a direction, the strongest first.
    """
    # 1. How the numbers of a patch vary together (normalised images have a mean near 0).
    numbers = images.shape[1] * WINDOW**2
    patches = windows(images.float(), WINDOW).permute(0, 2, 3, 1, 4, 5).reshape(-1, numbers)
    covariance = patches.T @ patches / len(patches)
    # 2. Their own axes, each divided by its deviation.
    variances, axes = torch.linalg.eigh(covariance)
    filters = (axes / (variances + eps).sqrt()).T.flip(0)
    return filters.view(-1, images.shape[1], WINDOW, WINDOW)


class Whitening(nn.Module):
    """A convolution by fixed filters and by their negatives (a rectifier will cut one side), with a bias."""

    weight: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = 2 * channels * WINDOW**2
        start = nn.Parameter(torch.empty(self.out_channels // 2, channels, WINDOW, WINDOW))
        uniform_(start, channels * WINDOW**2)  # until images are known
        self.register_buffer("weight", torch.cat([start.detach(), -start.detach()]))
        self.bias = nn.Parameter(torch.zeros(self.out_channels))

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias)


class ShiftNorm(nn.BatchNorm2d):
    """Batch normalisation without a gain, whose shift learns 64 times as fast."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=False)
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        normed = super().forward(x)
        return normed + (STRENGTH * self.shift).to(normed.dtype).view(-1, 1, 1)


def dirac_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3x3 convolution that begins by passing its input on; filters beyond it begin by chance."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    few = min(in_channels, out_channels)
    with torch.no_grad():
        conv.weight[:few] = 0
        conv.weight[:few, :few, 1, 1] = torch.eye(few)
    return conv


def group(in_channels: int, channels: int) -> nn.Sequential:
    """Convolve, halve the image, convolve once more."""
    return nn.Sequential(
        dirac_conv(in_channels, channels), nn.MaxPool2d(2), ShiftNorm(channels), nn.GELU(),
        dirac_conv(channels, channels), ShiftNorm(channels), nn.GELU(),
    )  # fmt: skip


class SpeedNet(nn.Module):
    """Whitening, three groups without shortcuts, maximum over places, linear head, small logits.

    Args:
        classes: outputs.
        channels: of the images.
        widths: channels of each group.
    """

    def __init__(self, classes: int, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.channels = channels
        self.smallest = 2 ** len(widths) + 1
        self.whiten = Whitening(channels)
        pairs = zip([self.whiten.out_channels, *widths], widths, strict=False)
        self.groups = nn.Sequential(nn.GELU(), *[group(before, width) for before, width in pairs])
        self.fc = nn.Linear(widths[-1], classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, self.smallest)
        return self.fc(self.groups(self.whiten(x)).amax((2, 3))) * SCALE

    @torch.no_grad()
    def look_at(self, images: Tensor) -> None:
        """Set the first layer by training images (n, channels, height, width), normalised as they will be."""
        filters = whitening_filters(images)
        self.whiten.weight.copy_(torch.cat([filters, -filters]))


def speednet(classes: int, channels: int = 3, widths: Sequence[int] = (64, 256, 256)) -> SpeedNet:
    """2.0 million parameters; see SpeedNet for the arguments."""
    return SpeedNet(classes, channels, widths)
