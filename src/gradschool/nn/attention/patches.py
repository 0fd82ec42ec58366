"""Where things are: sinusoids of positions, and pictures as patches that know their row and column.

Sources: Vaswani et al. 2017, section 3.5; Dosovitskiy et al. 2021, section 3.1; Beyer et al. 2022 (sinusoids
in two dimensions instead of learned positions, so pictures may be of any size).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from gradschool.nn.conv import Conv2d
from gradschool.ops.attention.positions import sinusoids
from gradschool.ops.linear import linear


class Patches(nn.Module):
    """Images (b, channels, height, width) to vectors of their patches (b, rows, columns, width).

    Edges that are no multiple of the patch get zeros on the right and below.

    Args:
        channels: of the images.
        patch: side of a patch, in pixels.
        width: numbers of a vector.
    """

    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.project = Conv2d(channels, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        right, below = (-x.shape[axis] % self.patch for axis in (3, 2))
        return self.project(pad(x, (0, right, 0, below))).permute(0, 2, 3, 1)

    def of_rows(self, patches: Tensor) -> Tensor:
        """The vectors (r, n, width) of patches that are cut out already, (r, n, channels patch patch)."""
        return linear(patches, self.project.weight.flatten(1), self.project.bias)


def with_sinusoids(h: Tensor, positions: Tensor | None = None) -> Tensor:
    """Add the sinusoids of their positions, (n) or (b, n), to vectors (b, n, width); None counts from 0."""
    at = torch.arange(h.shape[1], device=h.device) if positions is None else positions
    return h + sinusoids(at, h.shape[2]).to(h)


def on_grid(h: Tensor) -> Tensor:
    """Add to patches (b, rows, columns, width) where they are: sinusoids of the row, then of the column.

    Args:
        h: vectors whose width is a multiple of 4. Sinusoids of float64 are computed in float64, of all
            other types in float32.
    """
    # 1. Half of the numbers tell the row, half the column.
    _, rows, columns, width = h.shape
    dtype = torch.promote_types(h.dtype, torch.float32)
    at = (torch.arange(n, device=h.device) for n in (rows, columns))
    down, across = (sinusoids(each, width // 2, dtype=dtype).to(h) for each in at)
    # 2. Both for every place of the grid.
    places = down[:, None].expand(-1, columns, -1), across[None].expand(rows, -1, -1)
    return h + torch.cat(places, 2)


def at_places(h: Tensor, places: Tensor) -> Tensor:
    """The same for patches (r, n, width) in any order, whose row and column are `places` (r, n, 2)."""
    dtype = torch.promote_types(h.dtype, torch.float32)
    down, across = (sinusoids(places[..., axis], h.shape[2] // 2, dtype=dtype).to(h) for axis in (0, 1))
    return h + torch.cat([down, across], 2)
