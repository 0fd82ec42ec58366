"""20 animals with convolutions first and attention where the picture has become small."""

from dataclasses import replace

from gradschool.models.vision.coatnet import coatnet_small
from gradschool.recipes.vision.natural_animals_vit import natural_animals_vit
from gradschool.runs.classification.image import ImageRun


def natural_animals_coatnet() -> ImageRun:
    """Convolutions and attention (CoAtNet) of 1.4 million parameters on 20 kinds of animals, 10 minutes.

    Its score is not measured yet.
    """
    return replace(natural_animals_vit(), model=coatnet_small, model_options={"stride": 2})
