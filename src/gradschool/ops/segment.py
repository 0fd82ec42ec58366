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
    """1 minus the mean Dice score 2 |A and B| / (|A| + |B|) of the classes, probabilities in place of sets.

    A class of few pixels counts as much as a class of many.

    Args:
        x: logits of k classes, (b, k, h, w).
        y: true class of every pixel, (b, h, w).
        ignore_index: pixels with this label count neither in A nor in B.

    Returns:
        0 to 1: a mean over the classes that occur in y; 0 if no pixel counts, and then the gradient is 0.
    """
    # 1. Softmax over the classes, and the truth as ones and zeros (b, k, h, w); both are 0 at ignored pixels.
    counts = (y != ignore_index).unsqueeze(1)
    classes = torch.arange(x.shape[1], device=y.device).view(1, -1, 1, 1)
    truth = ((y.unsqueeze(1) == classes) & counts).to(x.dtype)
    share = softmax(x, 1) * counts
    # 2. For each class, over the whole batch: the size of the intersection, and the sum of both sizes.
    common = (share * truth).sum((0, 2, 3))
    together = share.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    # 3. Dice of each class; the mean of 1 - Dice over the classes that occur.
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
    """Pixel weights that are large in narrow gaps between cells: 1 + w_0 exp(-(d_1 + d_2)^2 / (2 sigma^2)).

    Args:
        first: d_1, distance of every pixel to the nearest cell, in pixels; 0 inside a cell.
        second: d_2, distance to the second nearest cell, in pixels.
        strength: w_0, the extra weight in the narrowest gap.
        width: sigma, in pixels.

    Returns:
        1 inside cells (where d_1 is 0) and far from them, up to 1 + strength in gaps. The class weight of
        eq. 2 in the paper is left out.
    """
    # 1. The width of the gap at each pixel: the sum of both distances.
    gap = first + second
    # 2. The extra weight, outside of cells only: a pixel inside a cell keeps weight 1.
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
    """IoU of each class: pixels that are right, divided by pixels that are the class or were predicted as it.

    Args:
        counts: confusion matrix; row: true class, column: predicted class.

    Returns:
        0 to 1 for each class; NaN for a class without any true or predicted pixel.
    """
    # 1. The intersection of each class: the diagonal.
    right = counts.diagonal().double()
    # 2. The union: row sum plus column sum, minus the intersection, which is in both. Divide.
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return (right / union).float()
