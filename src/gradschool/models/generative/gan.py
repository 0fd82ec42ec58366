"""The first adversarial nets: two multi-layer perceptrons that play against each other.

Sources: Goodfellow et al. 2014; with classes Mirza and Osindero 2014 (the class beside the code and beside
the picture). Widths are those of the usual lesson: 100-256-512-1024-784, mirrored in the discriminator.
"""

from gradschool import nn
from gradschool.nn.bottleneck import Reshape, Shape
from gradschool.nn.players import Discriminator, Generator, Players

WIDTHS = (256, 512, 1024)


def perceptron(inputs: int, widths: tuple[int, ...], outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Affine layers with leaky rectifiers (slope 0.2) between them, and dropout after each if asked."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(0.2)]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def mlp_gan(
    shape: Shape, classes: int = 0, latent: int = 100, widths: tuple[int, ...] = WIDTHS, dropout: float = 0.3
) -> Players:
    """Generator latent-256-512-1024-pixels with tanh, discriminator pixels-1024-512-256-1 with dropout.

    Args:
        shape: channels, height and width of the pictures.
        classes: told to both as further inputs; 0: none is told.
        latent: numbers of a code.
        widths: of the generator's hidden layers; the discriminator has them in reverse.
        dropout: in the discriminator.
    """
    widths = tuple(widths)
    pixels = shape[0] * shape[1] * shape[2]
    drawing = nn.Sequential(perceptron(latent + classes, widths, pixels), nn.Tanh(), Reshape(*shape))
    judging = perceptron(pixels + classes, widths[::-1], 1, dropout)
    return Players(Generator(drawing, classes), Discriminator(judging, classes, nn.Flatten()), latent)
