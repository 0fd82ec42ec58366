"""The coursework's starting point: a shallow network that learns its images by heart."""

from gradschool.models.lenet import lenet5
from gradschool.recipes.image import ImageRun


def natural_animals_baseline() -> ImageRun:
    """20 animals, 64 px, over-fitting on purpose: no normalisation, a constant rate, no cure."""
    return ImageRun(
        data="natural_animals",
        model=lenet5,
        epochs=15,
        optimizer="adamax",
        learning_rate=2e-3,
        schedule="constant",
        warmup=0.0,
        val=0.0,
    )
