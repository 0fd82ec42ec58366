"""Vision transformers: an image is a sequence of patches.

Sources: Dosovitskiy et al. 2021, section 3.1 (a class token, learned positions; as in torchvision); Beyer et
al. 2022 (plain: a mean over patches, sinusoids). Deviation: no dropout of attention weights.
"""

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import Block, block
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.patches import Patches, on_grid
from gradschool.nn.inputs import check_images


def blocks(width: int, depth: int, heads: int, dropout: float) -> list[Block]:
    """Pre-norm blocks with GELU, each feed-forward layer four times as wide."""
    return [
        block(width, heads, FeedForward(width), dropout=dropout, norm=lambda n: nn.LayerNorm(n, 1e-6))
        for _ in range(depth)
    ]


class ViT(nn.Module):
    """Patches and a class token that collects what the image shows; one size of images.

    Args:
        classes: number of logits.
        channels: of the images.
        side: height and width of the images, a multiple of `patch`.
        patch: side of a patch, in pixels.
        width: numbers of a patch.
        depth: blocks.
        heads: of each attention.
        dropout: probability of silence of vectors and of what each layer adds, in training.
    """

    def __init__(
        self, classes: int, channels: int, side: int, patch: int, width: int, depth: int, heads: int,
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        if side % patch:
            raise ValueError(f"side is {side}, a multiple of the patch of {patch} pixels was wanted")
        self.channels, self.side = channels, side
        self.patches = Patches(channels, patch, width)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (side // patch) ** 2, width))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*blocks(width, depth, heads, dropout))
        self.norm, self.head = nn.LayerNorm(width, 1e-6), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, self.side, self.side)
        h = self.patches(x).flatten(1, 2)
        h = torch.cat([self.token.expand(h.shape[0], -1, -1), h], 1)
        h = self.blocks(self.dropout(h + self.positions))
        return self.head(self.norm(h)[:, 0])


class PlainViT(nn.Module):
    """Patches and the mean over them; images of any size. As `ViT`; the width is a multiple of 4."""

    def __init__(
        self, classes: int, channels: int, patch: int, width: int, depth: int, heads: int,
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.channels, self.patch = channels, patch
        self.patches = Patches(channels, patch, width)
        self.blocks = nn.Sequential(*blocks(width, depth, heads, dropout))
        self.norm, self.head = nn.LayerNorm(width, 1e-6), nn.Linear(width, classes)

    def embed(self, x: Tensor) -> Tensor:
        """Vectors (b, n, width) of patches that know where they are."""
        check_images(x, self.channels, self.patch)
        return on_grid(self.patches(x)).flatten(1, 2)

    def read(self, h: Tensor) -> Tensor:
        """The same after all blocks; any of an image's patches, in any order."""
        return self.norm(self.blocks(h))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.read(self.embed(x)).mean(1))


def vit(
    classes: int, channels: int = 3, side: int = 32, patch: int | None = None, width: int = 192,
    depth: int = 6, heads: int = 3,
) -> ViT:  # fmt: skip
    """2.7 million parameters for images of 32 pixels; the width of ViT-Ti at half its depth.

    A patch is an eighth of the side where no other is asked for, so that there are 64.
    """
    return ViT(classes, channels, side, patch or max(1, side // 8), width, depth, heads)


def vit_b_16(classes: int, channels: int = 3) -> ViT:
    """ViT-B/16 for 224 pixels: 86.6 million parameters; torchvision's vit_b_16."""
    return ViT(classes, channels, 224, 16, 768, 12, 12)


def plain_vit(
    classes: int, channels: int = 3, patch: int = 4, width: int = 192, depth: int = 6, heads: int = 3
) -> PlainViT:
    """2.7 million parameters for images of any size."""
    return PlainViT(classes, channels, patch, width, depth, heads)
