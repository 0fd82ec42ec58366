"""Layers between a picture and a code: convolutions that halve the sides twice, and their mirror image."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import Flatten, Module, Sequential

from gradschool.nn.activation import ReLU
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
        return x.reshape(len(x), *self.shape)


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
