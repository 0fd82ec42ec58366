"""Use a finished run: predict with it, export it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.classification.predict import Classifier, Prediction, Progress, Skip
from gradschool.evals.classification.predict import predict as predict_files
from gradschool.runs.finish import rebuilt
from gradschool.runs.vision.classifier import ImageRun
from gradschool.runs.dense.outline import outline
from gradschool.runs.reopen import machine_of, reopen
from gradschool.runs.dense.segmentation import SegmentRun


def classifying(folder: RunFolder) -> ImageRun:
    """The settings of a run that classifies.

    Raises:
        UserError: the run does something else.
    """
    run, request = reopen(folder)
    if not isinstance(run, ImageRun):
        wanted = "a run that classifies, such as digits"
        raise UserError(
            f"{folder.path} is a run of {request.recipe}", wanted, "What it can do: gradschool --help"
        )
    return run


def classifier(folder: RunFolder) -> Classifier:
    """A run's network with all that it needs to look at a picture."""
    run = classifying(folder)
    model, facts = rebuilt(folder, run)
    machine = machine_of(folder)
    pipeline = run.prepared(facts["mean"], facts["std"], len(facts["classes"]))

    def transform(pixels: Tensor) -> Tensor:
        x, _ = pipeline.eval(pixels, torch.zeros(len(pixels), dtype=torch.int64))
        return machine.place(x)

    return Classifier(
        machine.place_module(model), facts["classes"], transform, facts["channels"], facts["height"],
        facts["width"], machine.autocast, facts["flip"],
    )  # fmt: skip


def predict(
    path: Path, files: Sequence[Path], top: int, progress: Progress | None, skip: Skip | None
) -> Iterator[Prediction]:
    """The most probable classes of pictures, or masks for them, by the run at `path`.

    Raises:
        UserError: the run neither classifies nor segments.
    """
    folder = RunFolder.open(path)
    run, _ = reopen(folder)
    if isinstance(run, SegmentRun):
        return outline(folder, run, files, progress, skip)
    if not isinstance(run, ImageRun):
        raise UserError(f"{path} is no classifier", "a run such as mnist or unet_membrane", "")
    return predict_files(classifier(folder), files, top=top, progress=progress, skip=skip)


def export(path: Path, out: Path | None) -> ExportCheck:
    """Write a run's network as ONNX, `model.onnx` in its folder if not told otherwise, and check it."""
    folder = RunFolder.open(path)
    model, facts = rebuilt(folder, classifying(folder))
    example = torch.zeros(2, *facts["input"])
    known = {name: facts[name] for name in ("classes", "mean", "std")}
    return export_onnx(model, example, out or folder.path / "model.onnx", known)
