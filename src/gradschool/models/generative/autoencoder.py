"""Autoencoders: a picture through a bottleneck of a few numbers and back.

Source: Hinton and Salakhutdinov 2006 for the deep form; one linear layer each way finds the plane of the
principal components (Baldi and Hornik 1989). Ours standardises codes by running statistics, so that random
codes from N(0, 1) lie where codes of pictures do.
"""

from jaxtyping import Float
from torch import Tensor

from gradschool import nn
from gradschool.nn.bottleneck import Reshape, Shape, conv_decoder, conv_encoder


class Autoencoder(nn.Module):
    """Encoder, standardised code, decoder.

    Args:
        encoder: pictures (b, c, h, w) to numbers (b, latent).
        decoder: codes (b, latent) to pictures.
        latent: d, numbers of a code.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.latent = encoder, decoder, latent
        self.standardise = nn.BatchNorm1d(latent, affine=False)

    def encode(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Codes of pictures in 0 to 1; over a set of pictures each number has mean 0 and variance 1."""
        codes: Tensor = self.standardise(self.encoder(x))
        return codes

    def decode(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        """Pictures, of values about 0 to 1."""
        pictures: Tensor = self.decoder(z)
        return pictures

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Pictures again."""
        return self.decode(self.encode(x))


def linear_autoencoder(shape: Shape, classes: int = 0, latent: int = 2) -> Autoencoder:
    """One linear layer each way: no better than principal components, and trained to equal them.

    Args:
        shape: channels, height and width of the pictures.
        classes: 0; an autoencoder is told none.
        latent: numbers of a code.
    """
    untold(classes)
    pixels = shape[0] * shape[1] * shape[2]
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, latent))
    decoder = nn.Sequential(nn.Linear(latent, pixels), Reshape(*shape))
    return Autoencoder(encoder, decoder, latent)


def mlp_autoencoder(
    shape: Shape, classes: int = 0, latent: int = 2, widths: tuple[int, ...] = (512, 256, 64)
) -> Autoencoder:
    """784-512-256-64-2 and back for 28x28 pixels."""
    untold(classes)
    pixels = shape[0] * shape[1] * shape[2]
    encoder: list[nn.Module] = [nn.Flatten()]
    for wide, narrow in zip((pixels, *widths), widths, strict=False):
        encoder += [nn.Linear(wide, narrow), nn.ReLU()]
    decoder: list[nn.Module] = []
    for narrow, wide in zip((latent, *widths[::-1]), widths[::-1], strict=False):
        decoder += [nn.Linear(narrow, wide), nn.ReLU()]
    encoder += [nn.Linear(widths[-1], latent)]
    decoder += [nn.Linear(widths[0], pixels), nn.Sigmoid(), Reshape(*shape)]
    return Autoencoder(nn.Sequential(*encoder), nn.Sequential(*decoder), latent)


def conv_autoencoder(shape: Shape, classes: int = 0, latent: int = 16, width: int = 32) -> Autoencoder:
    """Two convolutions of stride 2 down, two transposed ones up; sides must be multiples of 4."""
    untold(classes)
    encoder, features = conv_encoder(shape, width)
    encoder.append(nn.Linear(features, latent))
    return Autoencoder(encoder, conv_decoder(latent, shape, width).append(nn.Sigmoid()), latent)


def untold(told: int) -> None:
    """Refuse classes.

    Raises:
        ValueError: an autoencoder cannot be conditional.
    """
    if told:
        raise ValueError(f"{told} classes were given, an autoencoder is told none; use a conditional VAE")
