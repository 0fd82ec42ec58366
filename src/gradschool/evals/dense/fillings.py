"""Ways to fill holes in pictures without a network: what a network has to beat.

Source: filling by the most similar complete case is imputation by the nearest neighbour (Troyanskaya et al.
2001, with k = 1); distances are over visible pixels only.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Images = Float[Tensor, "n c h w"]
Mask = Bool[Tensor, "n 1 h w"]


def mean_filling(damaged: Images, mask: Mask, known: Float[Tensor, "m c h w"]) -> Images:
    """Every hidden pixel becomes the mean of that pixel over the known pictures."""
    return torch.where(mask, known.mean(0), damaged)


def visible_distances(
    x: Float[Tensor, "n d"], visible: Float[Tensor, "n d"], known: Float[Tensor, "m d"]
) -> Float[Tensor, "n m"]:
    """Squared distance of each damaged picture to each known one, over the visible pixels of the former.

    Args:
        x: n damaged pictures of d pixels; finite values at hidden pixels do not matter.
        visible: 1 where a pixel of x is visible, 0 where it is hidden.
        known: m complete pictures of d pixels.

    Returns:
        (n, m), never negative: the sum over pixels of visible (x - known)^2 for all pairs. The square is
        multiplied out, visible x^2 - 2 (visible x) known + visible known^2, so no array has n m d entries.
    """
    # 1. Set hidden pixels to 0.
    seen = x * visible
    # 2. The three terms: (n, 1), (n, m) and (n, m), the last two as matrix products over the pixels.
    own = seen.square().sum(1, keepdim=True)
    cross = seen @ known.T
    other = visible @ known.square().T
    # 3. A sum of squares is not negative, but rounding may make it so: clamp at 0.
    return (own - 2 * cross + other).clamp_min(0)


def nearest_filling(
    damaged: Images, mask: Mask, known: Float[Tensor, "m c h w"], at_once: int = 256
) -> Images:
    """Hidden pixels are copied from the known picture that is most similar in the visible ones.

    Args:
        damaged: pictures with holes.
        mask: True where a pixel is hidden.
        known: complete pictures to copy from.
        at_once: how many pictures are compared at a time, to save memory.
    """
    pieces = []
    for start in range(0, len(damaged), at_once):
        x, holes = damaged[start : start + at_once], mask[start : start + at_once]
        visible = (~holes).expand_as(x).flatten(1).float()
        nearest = visible_distances(x.flatten(1), visible, known.flatten(1)).argmin(1)
        pieces.append(torch.where(holes, known[nearest], x))
    return torch.cat(pieces)
