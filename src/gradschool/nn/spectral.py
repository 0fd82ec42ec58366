"""Layers whose weights are divided by their largest singular value, so that none stretches what it sees.

Source: Miyato et al. 2018, eq. 8: a network of such layers and of activations of slope at most 1 is
1-Lipschitz (for a convolution the matrix of its filters stands in for the map itself, as in the paper).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from gradschool.nn.conv import Conv2d
from gradschool.nn.linear import Linear
from gradschool.ops import linear
from gradschool.ops.adversarial import spectral_norm


def remember(layer: nn.Module, weight: Tensor) -> None:
    """Give a layer the vector from which the next power iteration starts."""
    layer.register_buffer("u", normalize(torch.randn(weight.shape[0]), dim=0))


def tamed(layer: nn.Module, weight: Tensor) -> Tensor:
    """The weight over its largest singular value; in training the iteration's vector moves on."""
    sigma, u = spectral_norm(weight.flatten(1), layer.get_buffer("u"))
    if layer.training:
        layer.get_buffer("u").copy_(u)
    return weight / sigma


class SpectralConv2d(Conv2d):
    """A convolution whose filters, as a matrix (out, rest), have spectral norm 1; arguments as Conv2d's."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1,
                 padding: int = 0, bias: bool = True) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        remember(self, self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return self.slide(input, tamed(self, self.weight))


class SpectralLinear(Linear):
    """An affine layer whose matrix has spectral norm 1."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        remember(self, self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return linear.linear(input, tamed(self, self.weight), self.bias)
