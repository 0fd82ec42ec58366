"""MNIST as well as two cores manage in a minute and a half: the network of `mnist`, wider and longer."""

from dataclasses import replace

from gradschool.recipes.image import ImageRun
from gradschool.recipes.mnist import mnist


def mnist_best() -> ImageRun:
    """Handwritten digits, 28 px: wider, longer, averaged over more steps."""
    wider = {"widths": (48, 96), "stem": 24, "stride": 1}
    return replace(mnist(), model_options=wider, epochs=9, batch_size=64, ema=0.99)
