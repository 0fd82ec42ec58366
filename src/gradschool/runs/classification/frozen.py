"""A frozen body runs once over all pictures; then the head is trained on its features."""

from typing import Any

from torch import nn

from gradschool.data.rows import Rows
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.engine.task import Batches
from gradschool.evals.inference import collect
from gradschool.runs.vision.classifier import ClassifierRun


def heads_alone(
    run: ClassifierRun, model: Any, batches: Loader, held_out: HeldOut, machine: Machine
) -> tuple[nn.Module, Batches, HeldOut]:
    """The head, and batches of features that are computed here, of pictures as they are.

    Args:
        run: says how pictures are prepared and tested.
        model: with `body`, which is frozen, and `head`.
        batches: of training pictures.
        held_out: makes batches of held-out pictures.
        machine: where to compute.
    """
    model.body.requires_grad_(False)
    features, labels = run.answers(model.body, batches.images, batches.pipeline, machine)
    placed = ((machine.place(x), y) for x, y in held_out())
    held = collect(model.body, placed, machine.autocast, run.flip_test)
    columns = machine.place(features), machine.place(labels)
    fed = Rows(columns, batches.batch_size, batches.seed, batches.share)
    return model.head, fed, lambda: iter([held])
