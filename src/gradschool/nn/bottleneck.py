"""Layers between a picture and a code: convolutions that halve the sides, and their mirror image.

The code is a list of numbers or a small map. Around a map there are residual blocks without normalisation, of
which each starts as the identity; the first halving makes four channels of every square of 2x2 pixels.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import Flatten, Module, PixelShuffle, PixelUnshuffle, Sequential, Upsample, init

from gradschool.nn.activation import ReLU, SiLU
from gradschool.nn.conv import Conv2d, ConvTranspose2d
from gradschool.nn.linear import Linear
from gradschool.nn.norm import BatchNorm2d

Shape = tuple[int, int, int]


class Reshape(Module):
    """(b, n) to (b, *shape)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b *shape"]:
        return x.reshape(x.shape[0], *self.shape)


def quarter(shape: Shape) -> tuple[int, int]:
    """Height and width of a map of a quarter of the sides.

    Raises:
        ValueError: a side is no multiple of 4.
    """
    _, height, width = shape
    if height % 4 or width % 4 or not height or not width:
        raise ValueError(f"pictures are {width}x{height}, sides that are multiples of 4 were wanted; resize")
    return height // 4, width // 4


def conv_encoder(shape: Shape, width: int) -> tuple[Sequential, int]:
    """Pictures (b, c, h, w) to features (b, f), and f.

    Args:
        shape: channels, height and width of the pictures.
        width: channels after the first of the two convolutions.
    """
    height, wide = quarter(shape)
    layers = Sequential(
        Conv2d(shape[0], width, 3, 2, 1), BatchNorm2d(width), ReLU(),
        Conv2d(width, 2 * width, 3, 2, 1), BatchNorm2d(2 * width), ReLU(), Flatten(),
    )  # fmt: skip
    return layers, 2 * width * height * wide


def conv_decoder(inputs: int, shape: Shape, width: int) -> Sequential:
    """Codes (b, inputs) to pictures (b, c, h, w) of any values; arguments as for `conv_encoder`."""
    height, wide = quarter(shape)
    grid = 2 * width, height, wide
    return Sequential(
        Linear(inputs, grid[0] * height * wide), Reshape(*grid), BatchNorm2d(grid[0]), ReLU(),
        ConvTranspose2d(2 * width, width, 4, 2, 1), BatchNorm2d(width), ReLU(),
        ConvTranspose2d(width, shape[0], 4, 2, 1),
    )  # fmt: skip


class IdentityBlock(Module):
    """x + two 3x3 convolutions of x, the last of which starts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = Sequential(
            SiLU(), Conv2d(channels, channels, 3, padding=1), SiLU(), Conv2d(channels, channels, 3, padding=1)
        )
        for parameter in self.residual[-1].parameters():
            init.zeros_(parameter)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.residual(x)


def map_shape(shape: Shape, channels: int, halvings: int) -> Shape:
    """Channels, height and width of a map whose sides are those of the picture, halved so often.

    Raises:
        ValueError: they cannot be halved so often, or it is not at least once.
    """
    _, height, width = shape
    unit = 2**halvings
    if halvings < 1:
        raise ValueError(f"halvings is {halvings}, 1 or more was wanted")
    if height % unit or width % unit or not height or not width:
        raise ValueError(
            f"pictures are {width}x{height}, sides that are multiples of {unit} were wanted; "
            f"resize, e.g. size={max(unit, round(height / unit) * unit)}"
        )
    return channels, height // unit, width // unit


def map_encoder(channels: int, width: int, halvings: int) -> Sequential:
    """Pictures (b, channels, h, w) to maps of 2 width channels, whose sides are halved `halvings` times."""
    layers: list[Module] = [
        PixelUnshuffle(2),
        Conv2d(4 * channels, width, 3, padding=1),
        IdentityBlock(width),
    ]
    for i in range(halvings - 1):
        layers += [Conv2d(2 * width if i else width, 2 * width, 3, 2, 1), IdentityBlock(2 * width)]
    if halvings == 1:
        layers.append(Conv2d(width, 2 * width, 3, padding=1))
    return Sequential(*layers, IdentityBlock(2 * width))


def map_decoder(inputs: int, channels: int, width: int, halvings: int) -> Sequential:
    """Maps (b, inputs, h, w) back to pictures of any values; arguments as for `map_encoder`."""
    layers: list[Module] = [Conv2d(inputs, 2 * width, 3, padding=1), IdentityBlock(2 * width)]
    for i in range(halvings - 1):
        narrow = width if i == halvings - 2 else 2 * width
        layers += [
            IdentityBlock(2 * width),
            Upsample(scale_factor=2),
            Conv2d(2 * width, narrow, 3, padding=1),
        ]
    if halvings == 1:
        layers.append(Conv2d(2 * width, width, 3, padding=1))
    out = Conv2d(width, 4 * channels, 3, padding=1)
    return Sequential(*layers, IdentityBlock(width), SiLU(), out, PixelShuffle(2))
