"""Masked images: most patches of a picture are hidden, and what they show is predicted from the others.

n: patches of a picture, line by line; p: numbers of a patch (channels x side x side).
Source: He et al. 2022 (masked autoencoders), section 3.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.switch import op

SMALLEST = 1e-6  # added to the variance of a patch: one of a single colour has none


@op
def cut_patches(x: Float[Tensor, "b c h w"], side: int) -> Float[Tensor, "b n p"]:
    """Pictures as their patches, line by line; within a patch channel, row, column.

    Args:
        x: pictures whose height and width are multiples of `side`.
        side: of a patch, in pixels, >= 1.
    """
    # 1. Rows and columns of the grid apart from those inside a patch.
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // side, side, w // side, side)
    # 2. The grid first, then what a patch holds.
    return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


@op
def join_patches(patches: Float[Tensor, "b n p"], side: int, rows: int) -> Float[Tensor, "b c h w"]:
    """The pictures again: the inverse of `cut_patches`.

    Args:
        patches: of b pictures.
        side: of a patch, in pixels.
        rows: of the grid of patches; it divides n.
    """
    b, n, p = patches.shape
    grid = patches.reshape(b, rows, n // rows, p // side**2, side, side)
    x = grid.permute(0, 3, 1, 4, 2, 5)
    return x.flatten(4).flatten(2, 3)


@op
def random_patch_mask(draws: Float[Tensor, "b n"], share: float = 0.75) -> Bool[Tensor, "b n"]:
    """Which patches are hidden: the same number of each picture, drawn without replacement.

    Equal numbers make what is shown a tensor again, so the encoder computes with the shown patches alone.

    Args:
        draws: independent random numbers, one a patch; of equal ones the later counts as larger.
        share: of the patches that is hidden, 0 to 1; rounded so that one patch or more stays on each side.

    Returns:
        True for patches that are hidden: those with the largest draws.

    Source: He et al. 2022, section 3 (masking; simple implementation).
    """
    # 1. How many are hidden, at least one and not all.
    n = draws.shape[1]
    hidden = min(max(round(n * share), 1), n - 1)
    # 2. The rank of each draw in its picture; the last ranks are hidden.
    rank = draws.argsort(dim=1, stable=True).argsort(dim=1)
    return rank >= n - hidden


@op
def shown_patches(x: Float[Tensor, "b n d"], hidden: Bool[Tensor, "b n"]) -> Float[Tensor, "b k d"]:
    """The vectors of the patches that are not hidden, in their order; every picture shows k of them."""
    return x[~hidden].view(x.shape[0], -1, x.shape[2])


@op
def with_mask_tokens(
    shown: Float[Tensor, "b k d"], token: Float[Tensor, " d"], hidden: Bool[Tensor, "b n"]
) -> Float[Tensor, "b n d"]:
    """Every patch at its place again: the inverse of `shown_patches`, with one vector for all hidden ones.

    Args:
        shown: vectors of the k patches that each picture shows, in their order.
        token: the **mask token**, learned.
        hidden: True for patches that are hidden; n - k of each picture.
    """
    # 1. Mask tokens everywhere.
    full = token.to(shown.dtype).expand(*hidden.shape, -1)
    # 2. What is shown, in its places.
    return full.masked_scatter(~hidden[..., None], shown)


@op
def masked_patch_loss(
    prediction: Float[Tensor, "b n p"],
    target: Float[Tensor, "b n p"],
    hidden: Bool[Tensor, "b n"],
    normalised: bool = True,
) -> Float[Tensor, ""]:
    """Mean squared error over the pixels of hidden patches; shown ones, which could be copied, do not count.

    Args:
        prediction: of the pixels of every patch.
        target: the pixels.
        hidden: True for patches that count; at least one.
        normalised: whether each patch of the target first gets mean 0 and variance 1 (with p - 1), so that
            contrast within a patch is learnt rather than its brightness.

    Returns:
        The mean, in float32 at least.

    Source: He et al. 2022, section 3 (reconstruction target).
    """
    dtype = torch.promote_types(prediction.dtype, torch.float32)
    prediction, target = prediction.to(dtype), target.to(dtype)
    # 1. Each patch of the target on a scale of its own.
    if normalised:
        mean, variance = target.mean(2, keepdim=True), target.var(2, keepdim=True)
        target = (target - mean) * (variance + SMALLEST).rsqrt()
    # 2. The mean over the pixels of a patch, then over hidden patches.
    error = (prediction - target).square().mean(2)
    return torch.where(hidden, error, 0).sum() / hidden.sum()
