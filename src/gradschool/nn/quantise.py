"""A codebook as a layer: every place of a map takes the nearest entry.

Source: van den Oord et al. 2017. Ours standardises codes first, so that they lie where the entries begin and
most entries are used.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.nn.norm import BatchNorm2d
from gradschool.ops.quantise import codebook_loss, nearest_entry, straight_through


class Quantise(nn.Module):
    """K entries of d numbers.

    Args:
        entries: K.
        width: d.
        commitment: how strongly codes are drawn to their entries.
    """

    def __init__(self, entries: int, width: int, commitment: float = 0.25) -> None:
        super().__init__()
        self.codebook = nn.Parameter(torch.randn(entries, width))
        self.standardise = BatchNorm2d(width, affine=False)
        self.commitment = commitment

    def forward(
        self, z: Float[Tensor, "b d h w"]
    ) -> tuple[Float[Tensor, "b d h w"], Int64[Tensor, "b h w"], Float[Tensor, ""]]:
        """The entries, which ones they are, and the loss that draws entries and codes together."""
        b, _, h, w = z.shape
        codes = self.standardise(z).permute(0, 2, 3, 1).flatten(0, 2)
        chosen = nearest_entry(codes, self.codebook)
        entry = self.codebook[chosen]
        loss = codebook_loss(codes, entry, self.commitment)
        taken = straight_through(codes, entry)
        return taken.view(b, h, w, -1).permute(0, 3, 1, 2), chosen.view(b, h, w), loss

    def look_up(self, chosen: Int64[Tensor, "b h w"]) -> Float[Tensor, "b d h w"]:
        """The entries of given numbers."""
        return self.codebook[chosen].permute(0, 3, 1, 2)
