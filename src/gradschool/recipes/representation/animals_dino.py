"""Self-distillation on photographs, in minutes on two cores."""

from gradschool.recipes.representation.animals_simclr import animals_simclr
from gradschool.runs.representation.two_views import DinoRun


def animals_dino() -> DinoRun:
    """Self-distillation (DINO): the network of natural_animals predicts what its own moving average says of
    another view of 9,000 photographs, at 40 px, in ten minutes; or of a folder (--data PATH).
    """
    base = animals_simclr()
    return DinoRun(
        data="natural_animals", model=base.model, size=40, augment=base.augment, epochs=1000, minutes=10,
        batch_size=256, learning_rate=1e-3, weight_decay=1e-4, clip=0.3, val=0.0, evaluations=240,
        save_every=120.0,
    )  # fmt: skip
