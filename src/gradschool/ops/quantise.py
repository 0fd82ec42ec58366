"""Codes from a finite list: the nearest entry is taken, and the gradient walks straight past the choice.

Source: van den Oord et al. 2017, section 3. K entries of d numbers; n codes.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def nearest_entry(z: Float[Tensor, "n d"], codebook: Float[Tensor, "k d"]) -> Int64[Tensor, " n"]:
    """Which entry of the codebook is nearest to each code.

    Args:
        z: codes.
        codebook: K entries.

    Source: eq. 1.
    """
    # 1. |z - e|^2 = |z|^2 - 2 z.e + |e|^2 as one matrix product; |z|^2 is the same for all entries.
    distances = (codebook**2).sum(1) - 2 * z @ codebook.T
    # 2. The smallest.
    return distances.argmin(1)


@op
def straight_through(z: Float[Tensor, "*any"], entry: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The entry on the way forward; on the way back its gradient goes to z as if nothing had been chosen.

    Args:
        z: codes.
        entry: the entry that was chosen for each, of the same shape.

    Source: section 3.2.
    """
    # 1. The step from the code to its entry, as a constant.
    step = (entry - z).detach()
    # 2. Forward z + (entry - z); backward the slope of z alone.
    return z + step


@op
def codebook_loss(
    z: Float[Tensor, "n d"], entry: Float[Tensor, "n d"], commitment: float = 0.25
) -> Float[Tensor, ""]:
    """Draws entries to the codes that chose them, and the codes, more gently, to their entries.

    Args:
        z: codes.
        entry: the entry that was chosen for each.
        commitment: weight of the second part, 0 or more.

    Source: eq. 3, its second and third term, as means over all numbers.
    """
    # 1. Move the entries, codes held still.
    moved = (z.detach() - entry).square().mean()
    # 2. Move the codes, entries held still.
    committed = (z - entry.detach()).square().mean()
    return moved + commitment * committed


@op
def perplexity(chosen: Int64[Tensor, " n"], entries: int) -> Float[Tensor, ""]:
    """How many entries are in use: exp of the entropy of how often each was chosen, 1 to `entries`.

    Args:
        chosen: index of the entry of each code.
        entries: K.
    """
    # 1. The share of each entry.
    shares = torch.bincount(chosen, minlength=entries).float() / chosen.numel()
    # 2. Its entropy; xlogy gives 0 ln 0 = 0.
    return torch.exp(-torch.xlogy(shares, shares).sum())
