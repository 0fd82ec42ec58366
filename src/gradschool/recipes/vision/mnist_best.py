"""MNIST as well as two cores manage in a minute and a half: the network of `mnist` at full resolution."""

from dataclasses import replace

from gradschool.recipes.vision.mnist import mnist
from gradschool.runs.classification.image import ImageRun


def mnist_best() -> ImageRun:
    """Handwritten digits, 28 px: the stem keeps all places, four passes; 99.4 % in 92 s."""
    return replace(mnist(), model_options={"widths": (32, 64), "stem": 16, "stride": 1}, epochs=4)
