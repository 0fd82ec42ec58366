"""Numbers of a set of pictures that training needs: mean and deviation of channels, weights of classes."""

import torch
from torch import Tensor

from gradschool.data.vision.images import Images
from gradschool.ops.segment import VOID


def channel_statistics(images: Images, sample: int = 2048) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, of pixels scaled to 0..1, over evenly spaced images.

    Args:
        images: the training split.
        sample: at most so many images are read; the error of the mean is below a hundredth of a deviation.
    """
    index = torch.linspace(0, len(images) - 1, min(sample, len(images))).long()
    pixels = images.pixels[index].float() / 255
    std, mean = torch.std_mean(pixels, dim=(0, 2, 3))
    return tuple(mean.tolist()), tuple(std.clamp_min(1e-3).tolist())


def class_weights(images: Images) -> Tensor:
    """Weights that give every class the same share of the loss; their mean over the training images is 1."""
    counts = images.labels.bincount(minlength=len(images.classes)).clamp_min(1)
    return len(images) / (len(counts) * counts.float())


def pixel_class_weights(images: Images) -> Tensor:
    """Weights that give every class the same share of the loss, at most ten times a pixel's usual one."""
    flat = images.labels[:, 0].flatten()
    counts = flat.bincount(minlength=VOID + 1)[: len(images.classes)].clamp_min(1)
    return (counts.sum() / (len(counts) * counts.float())).clamp_max(10)
