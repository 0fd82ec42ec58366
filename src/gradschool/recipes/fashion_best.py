"""Fashion-MNIST as a longer run: the network of `fashion` with hidden boxes and more passes."""

from dataclasses import replace

from gradschool.data.pipeline import Augment
from gradschool.recipes.fashion import fashion
from gradschool.recipes.image import ImageRun


def fashion_best() -> ImageRun:
    """Clothing, 28 px: longer, with random erasing."""
    augment = Augment(flip=True, crop_padding=2, erase=0.5)
    return replace(fashion(), epochs=28, weight_decay=2e-3, ema=0.998, augment=augment)
