"""CIFAR-10 with convolutions alone, at the size and in the minutes of the transformers beside it."""

from dataclasses import replace

from gradschool.recipes.vision.cifar10 import cifar10
from gradschool.recipes.vision.cifar10_vit import cifar10_vit
from gradschool.runs.classification.image import ImageRun


def cifar10_cnn() -> ImageRun:
    """Residual network of 1.4 million parameters on CIFAR-10, 15 minutes, with its own optimiser.

    Its score is not measured yet.
    """
    budget = cifar10_vit()
    return replace(cifar10(), epochs=budget.epochs, minutes=budget.minutes, evaluations=budget.evaluations)
