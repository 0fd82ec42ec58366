"""A class for every pixel: losses that look at regions and at borders, and the score that is reported.

Sources: Milletari et al. 2016, section 3 (Dice; plain sums below the fraction in place of squares);
Ronneberger et al. 2015, eq. 2; Everingham et al. 2010, section 4.3 (intersection over union). Pixels whose
class is `ignore_index` count nothing.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.activation import softmax
from gradschool.ops.switch import op

VOID = 255  # the class of pixels that do not count
STEPS = 20  # a weight of 1, where weights are kept in 8 bits: 0 to 12.75 by twentieths


@op
def dice_loss(
    x: Float[Tensor, "b k h w"], y: Int64[Tensor, "b h w"], ignore_index: int = VOID
) -> Float[Tensor, ""]:
    """1 minus the mean over classes of 2 |A and B| / (|A| + |B|), with shares of classes in place of sets.

    A class of few pixels counts as much as one of many: there is nothing to gain by forgetting it.

    Args:
        x: scores (logits) of k classes.
        y: true class of every pixel.
        ignore_index: pixels of this class count nothing.

    Returns:
        0 to 1, over the classes that occur in y.
    """
    # 1. Shares of classes, and truth as ones and zeros; both are 0 where a pixel does not count.
    counts = (y != ignore_index).unsqueeze(1)
    classes = torch.arange(x.shape[1], device=y.device).view(1, -1, 1, 1)
    truth = ((y.unsqueeze(1) == classes) & counts).to(x.dtype)
    share = softmax(x, 1) * counts
    # 2. What both have in common, and what they have in all, for each class over the whole batch.
    common = (share * truth).sum((0, 2, 3))
    together = share.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    # 3. The mean over classes that occur; without any there is nothing to lose.
    occurs = (truth.sum((0, 2, 3)) > 0).to(x.dtype)
    dice = 2 * common / together.clamp_min(1e-6)
    return ((1 - dice) * occurs).sum() / occurs.sum().clamp_min(1)


@op
def boundary_weights(
    first: Float[Tensor, "*b h w"],
    second: Float[Tensor, "*b h w"],
    strength: float = 10.0,
    width: float = 5.0,
) -> Float[Tensor, "*b h w"]:
    """Weights that make thin borders between touching cells expensive to miss.

    Args:
        first: distance of every pixel to the nearest cell, in pixels; 0 inside of one.
        second: distance to the second nearest cell.
        strength: w_0, how much is added in the narrowest gap.
        width: sigma, in pixels.

    Returns:
        1 inside of cells and far from them, up to 1 + strength in gaps. The balance of classes, the first
        term of eq. 2, is 1.
    """
    # 1. Both distances together are the width of the gap.
    gap = first + second
    # 2. Eq. 2, for the gap only: a pixel inside of a cell keeps weight 1.
    extra = strength * torch.exp(-(gap**2) / (2 * width**2))
    return 1 + torch.where(first > 0, extra, torch.zeros_like(extra))


@op
def confusion(
    predicted: Int64[Tensor, "*b"], y: Int64[Tensor, "*b"], classes: int, ignore_index: int = VOID
) -> Int64[Tensor, "k k"]:
    """How many pixels of each true class (row) were given each class (column).

    Args:
        predicted: class of every pixel.
        y: true class of every pixel.
        classes: k.
        ignore_index: pixels of this class count nothing.
    """
    # 1. Only what counts.
    counts = y != ignore_index
    # 2. A pair of classes is one number; count how often each occurs.
    pairs = classes * y[counts] + predicted[counts]
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes)


@op
def intersection_over_union(counts: Int64[Tensor, "k k"]) -> Float[Tensor, " k"]:
    """Of each class: pixels that are right over pixels that are it or were called it; NaN without any.

    Args:
        counts: rows are true classes, columns predicted ones.
    """
    # 1. What both agree on is on the diagonal.
    right = counts.diagonal().double()
    # 2. The union counts the common pixels once.
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return (right / union).float()
