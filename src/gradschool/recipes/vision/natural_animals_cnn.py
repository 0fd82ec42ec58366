"""20 animals with convolutions alone, in the minutes of the transformers beside it."""

from dataclasses import replace

from gradschool.recipes.vision.natural_animals import natural_animals
from gradschool.recipes.vision.natural_animals_vit import natural_animals_vit
from gradschool.runs.classification.image import ImageRun


def natural_animals_cnn() -> ImageRun:
    """Residual network of 1.4 million parameters on 20 kinds of animals, 64 px, 10 minutes.

    Its score is not measured yet.
    """
    budget = natural_animals_vit()
    # Sizes that grow follow the epochs, which a budget of minutes cuts short: one size throughout.
    return replace(
        natural_animals(), epochs=budget.epochs, minutes=budget.minutes, sizes=((0.0, 48),), test_size=64
    )
