"""Networks that restore pictures: damaged picture and mask in, whole picture on the scale 0 to 1 out.

The dense one sees all pixels at once; the convolutional one has a few layers of residual blocks and keeps
the picture's size. Training counts hidden pixels only, so what comes out at known ones means nothing.
Sources: Vincent et al. 2010 (learning to undo damage), He et al. 2016a (residual blocks).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool import nn
from gradschool.nn.limit import limited

Images = Float[Tensor, "b c h w"]
Mask = Bool[Tensor, "b 1 h w"]


class DenseRestorer(nn.Module):
    """Two hidden layers over all pixels and the mask.

    Args:
        channels: of the pictures.
        side: pixels along each side of the pictures.
        width: hidden units of each layer.
    """

    def __init__(self, channels: int, side: int, width: int) -> None:
        super().__init__()
        pixels = side * side
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear((channels + 1) * pixels, width), nn.Mish(),
            nn.Linear(width, width), nn.Mish(), nn.Linear(width, channels * pixels),
        )  # fmt: skip

    def forward(self, damaged: Images, mask: Mask) -> Images:
        seen = torch.cat([damaged, mask.to(damaged.dtype)], 1)
        return limited(self.layers(seen).view_as(damaged))


class ConvBlock(nn.Module):
    """What two 3x3 convolutions add to their input.

    Args:
        width: channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.ConvNormAct(width, width, act=None)
        self.body = nn.Sequential(nn.ConvNormAct(width, width, act=nn.Mish()), last, nn.Mish())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ConvRestorer(nn.Module):
    """Residual blocks at the picture's own size.

    Args:
        channels: of the pictures.
        width: channels of the maps.
        blocks: how many; a pixel sees 2 blocks + 2 pixels far.
    """

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.ConvNormAct(channels + 1, width, act=nn.Mish())
        self.blocks = nn.Sequential(*(ConvBlock(width) for _ in range(blocks)))
        self.head = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, damaged: Images, mask: Mask) -> Images:
        seen = torch.cat([damaged, mask.to(damaged.dtype)], 1)
        return limited(self.head(self.blocks(self.stem(seen))))


def dense_restorer(channels: int, side: int, width: int = 512) -> DenseRestorer:
    """All pixels at once; for small pictures of one size."""
    return DenseRestorer(channels, side, width)


def conv_restorer(channels: int, side: int, width: int = 48, blocks: int = 3) -> ConvRestorer:
    """Convolutions; `side` does not matter."""
    return ConvRestorer(channels, width, blocks)
