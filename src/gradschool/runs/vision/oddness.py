"""How well a network's error tells the pictures it knows from another set: its part of a report."""

import torch

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.open import open_set
from gradschool.errors import UserError
from gradschool.evals.report import anomaly
from gradschool.evals.report.html import Section

AT_ONCE = 256  # pictures that are rebuilt together


def oddness(rebuild: anomaly.Rebuild, pipeline: Pipeline, splits: Splits[Images], ood: str) -> Section:
    """Errors on the test part and on as many test pictures of another set.

    Args:
        rebuild: prepared pictures to the truth and what the network makes of them.
        pipeline: prepares pictures.
        splits: what the network was trained on.
        ood: a set, folder or zip.
    Raises:
        UserError: those pictures have another shape.
    """
    away = open_set(ood, size=splits.test.pixels.shape[2], val=0.0)
    if away.test.pixels.shape[1:] != splits.test.pixels.shape[1:]:
        sizes = ["x".join(map(str, each.test.pixels.shape[1:])) for each in (away, splits)]
        raise UserError(f"pictures of {ood} are {sizes[0]}", sizes[1], "Take a set of the same kind.")
    places = torch.linspace(0, len(away.test) - 1, min(len(splits.test), len(away.test))).long()
    home, odd = (
        anomaly.errors(rebuild, (x for x, _ in evaluation_batches(images, pipeline, AT_ONCE)))
        for images in (splits.test, away.test.take(places))
    )
    return anomaly.section(home, odd, (splits.name, away.name))
