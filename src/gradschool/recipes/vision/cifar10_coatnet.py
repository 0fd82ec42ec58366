"""CIFAR-10 with convolutions first and attention where the image has become small."""

from dataclasses import replace

from gradschool.models.vision.coatnet import coatnet_small
from gradschool.recipes.vision.cifar10_vit import cifar10_vit
from gradschool.runs.classification.image import ImageRun


def cifar10_coatnet() -> ImageRun:
    """Convolutions and attention (CoAtNet) of 1.4 million parameters on CIFAR-10, 15 minutes.

    Its score is not measured yet.
    """
    return replace(cifar10_vit(), model=coatnet_small, model_options={})
