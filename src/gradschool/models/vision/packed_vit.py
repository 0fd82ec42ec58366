"""A vision transformer for images of their own sizes: patches of many images fill one row, and each image
looks at itself alone.

Source: Dehghani et al. 2023 (NaViT), sections 2.1 and 2.2. Deviations: sinusoids instead of learned factors
of positions, a mean over patches, no dropping of patches.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import block
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.patches import Patches, at_places, on_grid
from gradschool.nn.attention.sight import look_inside
from gradschool.nn.inputs import check_images


class PackedViT(nn.Module):
    """Images of one size (b, channels, height, width), or a list of images of their own sizes, to logits.

    `forward(patches, places, number)` takes rows that are packed already: patches (r, n, channels patch
    patch), the row and column of each in its image (r, n, 2), and the number of its image (r, n), from 0 on,
    -1 at padding. An image lies in one row.

    Args:
        classes: number of logits.
        channels: of the images.
        patch: side of a patch, in pixels.
        width: numbers of a patch, a multiple of 4.
        depth: blocks.
        heads: of each attention.
    """

    def __init__(self, classes: int, channels: int, patch: int, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.channels, self.patch = channels, patch
        self.patches = Patches(channels, patch, width)
        self.blocks = nn.ModuleList(block(width, heads, FeedForward(width)) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def packed(self, images: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The patches of all images in one row (1, n, width), and the number of each one's image (1, n)."""
        pieces, number = [], []
        for index, image in enumerate(images):
            check_images(image.unsqueeze(0), self.channels, self.patch)
            h = on_grid(self.patches(image.unsqueeze(0))).flatten(1, 2)
            pieces.append(h)
            number.append(torch.full(h.shape[:2], index, device=h.device))
        return torch.cat(pieces, 1), torch.cat(number, 1)

    def forward(
        self, images: Tensor | Sequence[Tensor], places: Tensor | None = None, number: Tensor | None = None
    ) -> Tensor:
        # 1. Rows of patches that know where they are, and of which image.
        if places is not None and number is not None and isinstance(images, Tensor):
            h, count = at_places(self.patches.of_rows(images), places), int(number.max()) + 1
        else:
            if isinstance(images, Tensor):
                check_images(images, self.channels, self.patch)
            h, number = self.packed(images)
            count = len(images)
        # 2. A patch may look at those of its own image.
        mask = look_inside(number)
        for each in self.blocks:
            h = each(h, mask=mask)
        # 3. The mean over the patches of each image; padding comes before image 0.
        h, place = self.norm(h).flatten(0, 1), number.flatten() + 1
        total = h.new_zeros(count + 1, h.shape[1]).index_add(0, place, h)
        counts = h.new_zeros(count + 1).index_add(0, place, torch.ones_like(h[:, 0]))
        return self.head((total / counts[:, None])[1:])


def packed_vit(
    classes: int, channels: int = 3, patch: int = 4, width: int = 192, depth: int = 6, heads: int = 3
) -> PackedViT:
    """2.7 million parameters for images of any sizes."""
    return PackedViT(classes, channels, patch, width, depth, heads)
