"""The coursework's starting point: a shallow network that learns its images by heart."""

from gradschool.models.vision.lenet import netconv
from gradschool.runs.classification.image import ImageRun


def natural_animals_baseline() -> ImageRun:
    """Baseline that over-fits: two convolutions on 20 kinds of animals, 32 px, no regularisation; 49 %."""
    return ImageRun(
        data="natural_animals",
        model=netconv,
        epochs=25,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        warmup=0.0,
        sizes=((0.0, 32),),
        test_size=32,
        val=0.0,
    )
