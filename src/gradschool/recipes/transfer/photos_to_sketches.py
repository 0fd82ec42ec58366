"""Learnt from photographs, asked about sketches: what a change of domain costs."""

from dataclasses import replace

from gradschool.recipes.transfer.natural_animals_transfer import natural_animals_transfer
from gradschool.runs.classification.transfer import TransferRun


def photos_to_sketches() -> TransferRun:
    """Photographs of 4 animals, linear classifier on a frozen EfficientNet-Lite0; then look at other domains.

    `gradschool report RUN --ood animals_sketch` (or animals_cartoon, animals_painting) shows what is lost
    there; `gradschool ladder --what domains` has every pair of domains.
    """
    return replace(
        natural_animals_transfer(), data="animals_photo", kept_size=96, batch_size=32, label_smoothing=0.0
    )
