"""Five photographs of each of 16 animals, a network that has seen others: a linear classifier is enough."""

from dataclasses import replace

from gradschool.recipes.transfer.natural_animals_transfer import natural_animals_transfer
from gradschool.runs.classification.transfer import TransferRun


def fewshot_animals() -> TransferRun:
    """Five photographs a class of 16 animals, linear classifier on a frozen EfficientNet-Lite0.

    --set shots=1 or 20 takes fewer or more; `gradschool ladder --what shots` draws the whole curve.
    """
    return replace(
        natural_animals_transfer(), data="fewshot_animals", kept_size=84, shots=5, batch_size=16, epochs=60,
        label_smoothing=0.0,
    )  # fmt: skip
