"""Regularisers that hide or mix: cutout and random erasing, mixup, CutMix.

Mixing turns labels into shares of classes, (n, classes) floats that add up to 1, and pairs every image with
the one before it in the batch: batches are shuffled already. Each image has its own share, where the papers
draw one a batch.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from gradschool.data.augment import draw
from gradschool.data.augment.geometry import Pixels, each

Shares = Float[Tensor, "n classes"]


def inside(boxes: Int64[Tensor, "n 4"], images: Pixels) -> Bool[Tensor, "n 1 h w"]:
    """Where each image's box (top, left, height, width) is."""
    top, left, height, width = (each(value, images) for value in boxes.unbind(1))
    y = torch.arange(images.shape[2], device=images.device)[:, None]
    x = torch.arange(images.shape[3], device=images.device)
    return (y >= top) & (y < top + height) & (x >= left) & (x < left + width)


def erase(images: Pixels, boxes: Int64[Tensor, "n 4"], value: float = 0.0) -> Pixels:
    """Fill each image's box; after normalising, 0 is the mean colour. An empty box changes nothing."""
    return images.masked_fill(inside(boxes, images), value)


def blend_pairs(
    images: Float[Tensor, "n c h w"], labels: Int64[Tensor, " n"], classes: int, share: Float[Tensor, " n"]
) -> tuple[Float[Tensor, "n c h w"], Shares]:
    """`share` of each image and 1 - `share` of the one before it (Zhang et al. 2018, equation 1)."""
    mixed = torch.lerp(images.roll(1, 0), images, each(share, images).to(images.dtype))
    return mixed, blend_labels(labels, classes, share)


def paste_pairs(
    images: Pixels, labels: Int64[Tensor, " n"], classes: int, boxes: Int64[Tensor, "n 4"]
) -> tuple[Pixels, Shares]:
    """Paste a box of the image before into each; labels count by area (Yun et al. 2019, equation 1)."""
    mixed = torch.where(inside(boxes, images), images.roll(1, 0), images)
    covered = boxes[:, 2] * boxes[:, 3] / (images.shape[2] * images.shape[3])
    return mixed, blend_labels(labels, classes, 1 - covered)


def blend_labels(labels: Int64[Tensor, " n"], classes: int, share: Float[Tensor, " n"]) -> Shares:
    """Shares of classes: `share` for each label, the rest for the one before it."""
    one_hot = F.one_hot(labels, classes).float()
    return torch.lerp(one_hot.roll(1, 0), one_hot, share.to(labels.device)[:, None])


def mixup(
    images: Float[Tensor, "n c h w"],
    labels: Int64[Tensor, " n"],
    classes: int,
    alpha: float,
    generator: Generator,
) -> tuple[Float[Tensor, "n c h w"], Shares]:
    """Blend pairs of images and labels with shares from Beta(alpha, alpha).

    Args:
        images: floating, (n, c, h, w), normalised or not.
        labels: class of each image.
        classes: how many there are.
        alpha: > 0; 0.2 mixes little, 1 evenly.
        generator: where the randomness comes from.
    Source: Zhang et al. 2018 (mixup).
    """
    return blend_pairs(images, labels, classes, draw.beta(len(images), alpha, generator))


def cutmix(
    images: Pixels, labels: Int64[Tensor, " n"], classes: int, alpha: float, generator: Generator
) -> tuple[Pixels, Shares]:
    """Paste boxes between pairs; the box's area is drawn from Beta(alpha, alpha). Arguments as for `mixup`.

    Source: Yun et al. 2019 (CutMix).
    """
    boxes = draw.cutmix_boxes(
        draw.beta(len(images), alpha, generator), (images.shape[2], images.shape[3]), generator
    )
    return paste_pairs(images, labels, classes, boxes)
