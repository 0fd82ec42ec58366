"""Ten epochs of a head on a frozen body: features computed once, against the body run anew every epoch.

Same network (ResNet-18 of timm, random weights: speed does not depend on them), same images, same batches of
the same head; the goal is 0.8 times the number of epochs.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from bench.common import compare, main
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.task import Batch
from gradschool.engine.update import Stepper
from gradschool.runs.classification.transfer import Shown, TransferRun
from gradschool.tasks.classify import Classify

BATCH, SIDE, EPOCHS = 64, 64, 10


def pictures(n: int) -> Images:
    """Random ones."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 3, SIDE, SIDE), dtype=torch.uint8, generator=generator)
    return Images(pixels, torch.randint(0, 10, (n,), generator=generator), tuple("0123456789"))


def head_stepper(head: nn.Module, machine: Machine) -> tuple[Classify, Stepper]:
    """The head as the engine trains it."""
    task = Classify(head)
    return task, Stepper(task, {"model": make_optimizer(head, Optim("adamw", 1e-3))}, machine)


@contextmanager
def without_cache(empty: str) -> Iterator[None]:
    """Inside, no features are kept from another round."""
    with mock.patch.dict(os.environ, {"GRADSCHOOL_CACHE": empty}):
        yield


def run(repeats: int = 5, n: int = 8 * BATCH) -> dict[str, Any]:
    """Time ten epochs of n images on both sides, features included."""
    machine = Machine("cpu", "fp32", True)
    frozen = TransferRun(data="", mode="frozen", image_size=SIDE, batch_size=BATCH)
    images = pictures(n)
    pipeline = frozen.pipeline(images)
    loader = Loader(images, BATCH, 0, pipeline)
    model: Any = machine.place_module(frozen.build_model(10, 3)).eval()

    def train(head: nn.Module, epochs: Iterable[Iterable[Batch]]) -> int:
        task, stepper = head_stepper(head, machine)
        for batches in epochs:
            for batch in batches:
                stepper.begin(0.5)
                task.step(batch, stepper)
        return EPOCHS * n

    def once() -> int:
        held_out = Shown(images.take(torch.arange(1)), pipeline, 1)
        with tempfile.TemporaryDirectory() as empty, without_cache(empty):
            head, features, _ = frozen.feed(model, loader, held_out, machine)
        return train(head, (features.epoch(number) for number in range(EPOCHS)))

    @torch.no_grad()
    def seen(x: Tensor) -> Tensor:
        return model.body(machine.place(x))

    def anew() -> int:
        return train(
            model.head, (((seen(x), y) for x, y in loader.epoch(number)) for number in range(EPOCHS))
        )

    about = {"images": n, "epochs": EPOCHS, "batch": BATCH, "side": SIDE, "goal": 0.8 * EPOCHS}
    peers = {"the body run every epoch": anew}
    return compare("transfer", "images/s", once, peers, repeats, about)


if __name__ == "__main__":
    main(run)
