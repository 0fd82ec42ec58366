"""Fashion-MNIST as a longer run: the network of `fashion` at full resolution, random erasing, more epochs."""

from dataclasses import replace

from gradschool.data.augment.pipeline import Augment
from gradschool.recipes.vision.fashion import fashion
from gradschool.runs.classification.image import ImageRun


def fashion_best() -> ImageRun:
    """ResNet classifier on Fashion-MNIST, 28 px, with random erasing (27 min on one core, 94.7 %)."""
    augment = Augment(flip=True, crop_padding=2, erase=0.5)
    options = {"widths": (64, 128), "stride": 1}
    return replace(fashion(), model_options=options, epochs=28, weight_decay=2e-3, ema=0.998, augment=augment)
