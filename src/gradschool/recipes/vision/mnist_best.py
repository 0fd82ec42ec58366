"""MNIST in a minute and a half on two cores: the network of `mnist` at full resolution."""

from dataclasses import replace

from gradschool.recipes.vision.mnist import mnist
from gradschool.runs.classification.image import ImageRun


def mnist_best() -> ImageRun:
    """ResNet classifier on MNIST at full resolution, 28 px, four epochs (92 s, 99.4 %)."""
    return replace(mnist(), model_options={"widths": (32, 64), "stem": 16, "stride": 1}, epochs=4)
