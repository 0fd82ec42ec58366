"""Deep convolutional GAN: transposed convolutions draw, strided convolutions judge, at 8 pixels or more.

Sources: Radford et al. 2016, sections 3 (layers) and 4 (initial weights), as in PyTorch's DCGAN example.
Normalisation in the discriminator may be batch normalisation, spectral normalisation (Miyato et al. 2018) or
none (Gulrajani et al. 2017, section 4: the penalty is a picture's own).
"""

from collections.abc import Callable

from gradschool import nn
from gradschool.nn.bottleneck import Reshape, Shape
from gradschool.nn.players import Discriminator, Generator, Players, normal_
from gradschool.nn.spectral import SpectralConv2d

Conv = Callable[..., nn.Module]
Norm = Callable[[int], nn.Module]


def halvings(shape: Shape) -> tuple[int, int]:
    """Side of the smallest map, how often it doubles: 4 and 4 for 64 pixels, 4 and 3 for 32, 7 and 2 for 28.

    Raises:
        ValueError: pictures are not square, or their side is not 4, 5, 6 or 7 times a power of two from 2 on.
    """
    _, height, width = shape
    side, times = height, 0
    while side >= 8 and side % 2 == 0:
        side, times = side // 2, times + 1
    if height != width or not times or side > 7:
        raise ValueError(f"pictures are {width}x{height}, 28x28, 32x32 or 64x64 were wanted; resize")
    return side, times


def drawing(shape: Shape, inputs: int, width: int) -> nn.Sequential:
    """(b, inputs) to pictures: a map of 4x4 (7x7) that doubles until it has the pictures' side."""
    side, times = halvings(shape)
    channels = width * 2 ** (times - 1)
    layers: list[nn.Module] = [
        Reshape(inputs, 1, 1), nn.ConvTranspose2d(inputs, channels, side, 1, 0, bias=False),
        nn.BatchNorm2d(channels), nn.ReLU(),
    ]  # fmt: skip
    for _ in range(times - 1):
        layers += [
            nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(channels // 2), nn.ReLU(),
        ]  # fmt: skip
        channels //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(channels, shape[0], 4, 2, 1, bias=False), nn.Tanh())


def judging(shape: Shape, inputs: int, width: int, conv: Conv, norm: Norm | None) -> nn.Sequential:
    """(b, inputs, h, w) to (b, 1, 1, 1): the drawing backwards.

    Args:
        shape: of the pictures.
        inputs: their channels and those of the class.
        width: channels after the first convolution.
        conv: makes a convolution.
        norm: makes the layer after each convolution but the first and the last; None: there is none.
    """
    side, times = halvings(shape)
    layers: list[nn.Module] = [conv(inputs, width, 4, 2, 1, bias=norm is None), nn.LeakyReLU(0.2)]
    for _ in range(times - 1):
        layers.append(conv(width, 2 * width, 4, 2, 1, bias=norm is None))
        layers += [norm(2 * width)] if norm else []
        layers.append(nn.LeakyReLU(0.2))
        width *= 2
    return nn.Sequential(*layers, conv(width, 1, side, 1, 0, bias=norm is None))


def built(conv: Conv, norm: Norm | None, shape: Shape, classes: int, width: int, latent: int) -> Players:
    """Both players, with the initial weights of the paper."""
    generator = Generator(drawing(shape, latent + classes, width), classes)
    discriminator = Discriminator(judging(shape, shape[0] + classes, width, conv, norm), classes)
    players = Players(generator, discriminator, latent)
    normal_(players)
    return players


def dcgan(shape: Shape, classes: int = 0, width: int = 64, latent: int = 100) -> Players:
    """Batch normalisation in both: 6.3 million parameters at 64 pixels, 1.7 at 32, 0.9 at 28.

    Args:
        shape: channels, height and width of the pictures.
        classes: told to both; 0: none is told.
        width: channels at half the pictures' side.
        latent: numbers of a code.
    """
    return built(nn.Conv2d, nn.BatchNorm2d, shape, classes, width, latent)


def sn_dcgan(shape: Shape, classes: int = 0, width: int = 64, latent: int = 100) -> Players:
    """Spectral normalisation in the discriminator; arguments as for `dcgan`."""
    return built(SpectralConv2d, None, shape, classes, width, latent)


def dc_critic(shape: Shape, classes: int = 0, width: int = 64, latent: int = 100) -> Players:
    """A discriminator without normalisation, for a gradient penalty; arguments as for `dcgan`."""
    return built(nn.Conv2d, None, shape, classes, width, latent)
