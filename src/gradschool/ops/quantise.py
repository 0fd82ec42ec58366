"""Discrete codes: the nearest entry of a codebook, and the straight-through estimator of its gradient.

Source: van den Oord et al. 2017, section 3. K entries of d numbers; n codes.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def nearest_entry(z: Float[Tensor, "n d"], codebook: Float[Tensor, "k d"]) -> Int64[Tensor, " n"]:
    """The index of the codebook entry nearest to each code.

    Args:
        z: n codes, (n, d).
        codebook: K entries, (K, d).

    Returns:
        n indices, 0 to K - 1, by Euclidean distance.

    Source: eq. 1.
    """
    # 1. |z - e|^2 = |z|^2 - 2 z.e + |e|^2 by one matrix product; |z|^2 is the same for all entries.
    distances = (codebook**2).sum(1) - 2 * z @ codebook.T
    # 2. The index of the smallest distance.
    return distances.argmin(1)


@op
def straight_through(z: Float[Tensor, "*any"], entry: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The entry in the forward pass; backward its gradient is copied to z, none goes to the entry.

    Args:
        z: codes, of any shape.
        entry: the entry that was chosen for each, of the same shape.

    Returns:
        the values of `entry`, of the same shape.

    Source: section 3.2.
    """
    # 1. The difference from the code to its entry, as a constant.
    step = (entry - z).detach()
    # 2. Forward z + (entry - z) = entry; backward the gradient of z alone.
    return z + step


@op
def codebook_loss(
    z: Float[Tensor, "n d"], entry: Float[Tensor, "n d"], commitment: float = 0.25
) -> Float[Tensor, ""]:
    """Pulls entries to the codes that chose them and, with a smaller weight, codes to their entries.

    Args:
        z: codes.
        entry: the entry that was chosen for each.
        commitment: weight of the second part, 0 or more.

    Source: eq. 3, its second and third term, as means over all numbers.
    """
    # 1. Move the entries; codes are constants.
    moved = (z.detach() - entry).square().mean()
    # 2. Move the codes; entries are constants.
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
