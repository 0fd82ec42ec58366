"""A finished run as the teacher of another: its logits for the very pictures that the student sees.

Source: Hinton et al. 2015; Beyer et al. 2022, section 3.1 (teacher and student must see the same crop, with
the same changes and mixed pictures). The teacher is frozen, in evaluation mode, and no part of the
student's folder. A student's batch is resized to the side that the teacher was trained with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.data.augment.geometry import fit
from gradschool.data.examples import Splits, inventory, sha_of
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.run import RunFolder
from gradschool.engine.task import Batch
from gradschool.errors import UserError
from gradschool.phrases import command
from gradschool.runs.classification.ensemble import ImageEnsemble, NativeEnsemble
from gradschool.runs.ensembles.together import Together
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.runs.vision.classifier import ClassifierRun


class View(nn.Module):
    """A trained network as it was trained: from pixels in [0, 1] of any size to logits (b, classes).

    Args:
        model: of the run.
        facts: of its model.json: mean and std of each channel.
        size: height and width of its training pictures.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, facts: dict[str, Any], size: Sequence[int]) -> None:
        super().__init__()
        self.model, self.size = model, (size[0], size[1])
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(facts[name]).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits, without a second look at the mirror image: the student sees one view."""
        return self.model((fit(pixels, self.size) - self.mean) / self.std)


@dataclass(frozen=True)
class Taught:
    """Training batches with the teacher's logits in them: (x, logits, y).

    Args:
        batches: of the student; x is normalised by the student's mean and deviation.
        teacher: from pixels in [0, 1] to logits.
        machine: where both compute.
        about: the teacher's folder, test accuracy and parameters.
    """

    batches: Loader
    teacher: nn.Module
    machine: Machine
    about: dict[str, Any]

    def __len__(self) -> int:
        """Steps in an epoch."""
        return len(self.batches)

    def for_steps(self, steps: int) -> "Taught":
        """The same batches for a run of so many steps in all."""
        return replace(self, batches=self.batches.for_steps(steps))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The student's batches of epoch `number` from position `start` on, with logits."""
        pipeline = self.batches.pipeline
        mean, std = (
            self.machine.place(torch.tensor(each).view(1, -1, 1, 1)) for each in (pipeline.mean, pipeline.std)
        )
        for x, y in self.batches.epoch(number, start):
            x = self.machine.place(x)
            with torch.no_grad(), self.machine.autocast():
                logits = self.teacher(self.machine.place(x * std + mean))
            yield x, logits.float(), y


def taught_by(where: str, batches: Loader, splits: Splits[Images], machine: Machine) -> Taught:
    """The batches of a student with the answers of the teacher that a person names.

    Args:
        where: the folder of a finished classifier of pictures, or of an ensemble of such runs.
        batches: of the student.
        splits: of the student.
        machine: where it computes.

    Raises:
        UserError: there is no such run, it is not finished, or it does not fit the student's pictures.
    """
    folder = RunFolder.open(Path(where).expanduser())
    run = reopen(folder)[0]
    if not isinstance(run, ClassifierRun | ImageEnsemble) or isinstance(run, NativeEnsemble):
        advice = f"List runs with: {command('runs')}"
        raise UserError(f"teacher is {folder.path}, {run.title}", "an image classifier", advice)
    # 1. A teacher that fits.
    leaf, inner = run.leaf(folder) if isinstance(run, ImageEnsemble) else (run, folder)
    refuse_other_classes(folder, splits.train)
    refuse_other_pictures(folder, inner.read("model.json"), splits.train)
    refuse_other_parts(folder, leaf, inner, splits)
    # 2. The network.
    teacher = machine.place_module(seen_by(run, folder)).eval().requires_grad_(False)
    accuracy = folder.read("result.json").get("metrics", {}).get("test_accuracy")
    count = sum(p.numel() for p in teacher.parameters())
    return Taught(
        batches, teacher, machine, {"run": str(folder.path), "accuracy": accuracy, "parameters": count}
    )


def seen_by(run: Any, folder: RunFolder) -> nn.Module:
    """The network of a run, or all members of an ensemble as one, from pixels in [0, 1]."""
    if isinstance(run, ImageEnsemble):
        return Together([seen_by(*member) for member in run.inside(folder)], run.blend(folder))
    model, facts = rebuilt(folder, run)
    # Crops magnify, and a run may be tested with larger pictures for that; the student's views are crops.
    return View(model, facts, [run.sizes[-1][1]] * 2 if run.sizes else facts["input"][-2:])


def refuse_other_classes(folder: RunFolder, images: Images) -> None:
    """Refuse a teacher that answers another question.

    Raises:
        UserError: it is not finished, or its classes are others or in another order.
    """
    facts = folder.read("model.json")
    if not facts:
        again = command("train --resume", folder.path)
        raise UserError(f"teacher {folder.path} is not finished", "a finished run", f"Go on with it: {again}")
    ours, theirs = list(images.classes), list(facts["classes"])
    if ours != theirs:
        other = sorted({*ours} ^ {*theirs})[:1]
        told = f"{other[0]} is in one of them alone" if other else "in another order"
        raise UserError(f"teacher {folder.path} has other classes than the data ({told})", "the same classes")


def refuse_other_pictures(folder: RunFolder, facts: dict[str, Any], images: Images) -> None:
    """Refuse a teacher of pictures of another size or colour: what it would see is not what it knows.

    Raises:
        UserError: they differ from the student's.
    """
    now = list(images.pixels.shape[1:])
    was = [facts["channels"], facts["height"], facts["width"]]
    if was != now:
        (old, new), colours = (f"{w}x{h}" for _, h, w in (was, now)), {1: "grey", 3: "colour"}
        what = (
            f"teacher {folder.path} learnt from pictures of {old} {colours.get(was[0], '')}, "
            f"the data are {new} {colours.get(now[0], '')}"
        )
        advice = f"Try --set image_size={was[1]}." if was[0] == now[0] and was[1] == was[2] else ""
        raise UserError(what, "the same size and channels", advice)


def refuse_other_parts(folder: RunFolder, leaf: Any, inner: RunFolder, splits: Splits[Images]) -> None:
    """Refuse a teacher that may have learnt from the student's test pictures.

    Raises:
        UserError: it was trained on the same set with another test part.
    """
    known = folder.read("data.json")
    if known.get("name") != splits.name or "parts" not in known:
        return
    here = inventory(Splits(splits.name, splits.test, None, splits.test))
    if sha_of(known, "test") != sha_of(here, "test"):
        seed = leaf.split_seed if leaf.split_seed is not None else inner.read("config.json")["seed"]
        what = (
            f"teacher {folder.path} has another test part: it may have learnt from test pictures of this run"
        )
        raise UserError(what, "the same parts", f"Use the teacher's: --set split_seed={seed}")
