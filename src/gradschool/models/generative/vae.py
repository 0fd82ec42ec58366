"""Variational autoencoders: a picture to a distribution over codes, a code to a picture.

Source: Kingma and Welling 2014; a code that is a map: Rombach et al. 2022, section 3.1. The multi-layer
form is that of the PyTorch example (784-400-20); the convolutional one halves the picture twice. Outputs are
logits of pixels; a class may be told to both halves.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import one_hot

from gradschool import nn
from gradschool.nn.bottleneck import (
    Reshape,
    Shape,
    conv_decoder,
    conv_encoder,
    map_decoder,
    map_encoder,
    map_shape,
)
from gradschool.ops.variational import reparametrise

Coded = tuple[Tensor, Tensor, Tensor, Tensor]


class VAE(nn.Module):
    """Encoder and decoder around a Gaussian code.

    Args:
        encoder: pictures (and the class as `classes` further inputs of its last layer) to features (b, f).
        decoder: codes (and the class) to logits of pixels (b, c, h, w).
        heads: features (and the class) to means and to log-variances of codes (b, d).
        latent: d, dimensions of the code.
        classes: how many classes are told apart; 0: none is told.
        map_shape: channels, height and width of the code where it is a map, d numbers in all.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, heads: tuple[nn.Module, nn.Module], latent: int,
        classes: int = 0, map_shape: Shape | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.mean, self.log_variance = heads
        self.latent, self.classes, self.map_shape = latent, classes, map_shape

    def told(self, x: Float[Tensor, "b f"], y: Int64[Tensor, " b"] | None) -> Float[Tensor, "b f2"]:
        """`x` with the class beside it, where the model knows classes."""
        if not self.classes:
            return x
        if y is None:
            raise ValueError(f"no class was given, one of {self.classes} was wanted; pass y")
        return torch.cat([x, one_hot(y, self.classes).to(x.dtype)], 1)

    def encode(
        self, x: Float[Tensor, "b c h w"], y: Int64[Tensor, " b"] | None = None
    ) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"]]:
        """Mean and log-variance of the code."""
        features = self.told(self.encoder(x), y)
        return self.mean(features), self.log_variance(features)

    def decode(
        self, z: Float[Tensor, "b d"], y: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b c h w"]:
        """Logits of the pixels."""
        return self.decoder(self.told(z, y))

    def forward(self, x: Tensor, y: Tensor | None = None, samples: int = 1) -> Coded:
        """Logits of `samples` codes a picture, (samples * b, c, h, w), sample after sample; means,
        log-variances (b, d) and the codes (samples, b, d).
        """
        mean, log_variance = self.encode(x, y)
        noise = torch.randn(samples, *mean.shape, device=mean.device, dtype=mean.dtype)
        z = reparametrise(mean.expand_as(noise), log_variance.expand_as(noise), noise)
        again = None if y is None else y.repeat(samples)
        return self.decode(z.flatten(0, 1), again), mean, log_variance, z


def linear_heads(features: int, latent: int) -> tuple[nn.Module, nn.Module]:
    """Two linear layers."""
    return nn.Linear(features, latent), nn.Linear(features, latent)


def mlp_vae(shape: Shape, classes: int = 0, hidden: int = 400, latent: int = 20, depth: int = 1) -> VAE:
    """784-400-20 and back for 28x28 pixels: 652,824 parameters; `depth` hidden layers on each side."""
    pixels = shape[0] * shape[1] * shape[2]
    encoder: list[nn.Module] = [nn.Flatten(), nn.Linear(pixels, hidden), nn.ReLU()]
    decoder: list[nn.Module] = [nn.Linear(latent + classes, hidden), nn.ReLU()]
    for _ in range(depth - 1):
        encoder += [nn.Linear(hidden, hidden), nn.ReLU()]
        decoder += [nn.Linear(hidden, hidden), nn.ReLU()]
    decoder += [nn.Linear(hidden, pixels), Reshape(*shape)]
    heads = linear_heads(hidden + classes, latent)
    return VAE(nn.Sequential(*encoder), nn.Sequential(*decoder), heads, latent, classes)


def conv_vae(shape: Shape, classes: int = 0, width: int = 32, latent: int = 32) -> VAE:
    """Two convolutions of stride 2 down, two transposed ones up; sides must be multiples of 4."""
    encoder, features = conv_encoder(shape, width)
    heads = linear_heads(features + classes, latent)
    return VAE(encoder, conv_decoder(latent + classes, shape, width), heads, latent, classes)


def map_vae(shape: Shape, classes: int = 0, width: int = 32, channels: int = 4, halvings: int = 2) -> VAE:
    """The code is a map of a few channels, a quarter of the picture's sides: each place knows its own part.

    Args:
        shape: channels, height and width of the pictures, sides that are multiples of 2 ** halvings.
        classes: 0; it is told none.
        width: channels at half of the sides; twice as many at the map's.
        channels: of the map.
        halvings: how often the sides are halved.
    """
    if classes:
        raise ValueError("a code that is a map is told no class; leave conditional out")
    small = map_shape(shape, channels, halvings)
    encoder = map_encoder(shape[0], width, halvings)
    decoder = nn.Sequential(Reshape(*small), map_decoder(channels, shape[0], width, halvings))
    mean, log_variance = (nn.Sequential(nn.Conv2d(2 * width, channels, 1), nn.Flatten()) for _ in range(2))
    return VAE(encoder, decoder, (mean, log_variance), channels * small[1] * small[2], 0, small)
