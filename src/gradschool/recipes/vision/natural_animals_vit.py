"""20 animals with a vision transformer: few pictures, and nothing built in that knows what a picture is."""

from dataclasses import replace

from gradschool.models.vision.vit import plain_vit
from gradschool.recipes.vision.natural_animals import natural_animals
from gradschool.runs.classification.image import ImageRun


def natural_animals_vit() -> ImageRun:
    """Vision transformer of 1.4 million parameters on 20 kinds of animals, 64 px, 10 minutes; beside it
    natural_animals_coatnet and natural_animals_cnn.
    Its score is not measured yet.
    """
    return replace(
        natural_animals(),
        model=plain_vit,
        model_options={"patch": 8, "width": 128, "depth": 7, "heads": 4},
        epochs=200,
        minutes=10,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.05,
        warmup=0.1,
        clip=1.0,
        sizes=((0.0, 64),),
        test_size=64,
    )
