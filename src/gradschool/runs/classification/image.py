"""An image classifier's run: what can be asked of it, and its report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.open import resolve_pictures
from gradschool.engine.device import Machine
from gradschool.engine.loop import Progress as Where
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.predict import predict
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.files import Prediction
from gradschool.evals.int8 import INT8, Int8Check, Plan, export_int8
from gradschool.phrases import command, counted
from gradschool.runs.classification.report import report
from gradschool.runs.classification.teacher import Taught, taught_by
from gradschool.runs.finish import rebuilt
from gradschool.runs.kind import Progress, Skip
from gradschool.runs.reopen import splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Pieces, Positive
from gradschool.runs.vision.classifier import ClassifierRun
from gradschool.tasks.classify import Classify
from gradschool.tasks.distil import Distil

CALIBRATED = 512  # training pictures that set the scales of activations
TIMED = (1, 32)  # images a call whose latency is measured
FEW = 300  # training pictures a class, below which fine-tuning is usually far ahead of learning from nothing


@dataclass(frozen=True, kw_only=True)
class ImageRun(ClassifierRun):
    """An image classifier trained on a set or on a folder of class folders."""

    kind: ClassVar[str] = "classifier"
    title: ClassVar[str] = "an image classifier"
    ensemble: ClassVar[str] = "image_ensemble"
    places: ClassVar[tuple[str, ...]] = ("data", "teacher")

    teacher: str | None = None
    """A finished classifier or ensemble of the same classes to learn from as well: distillation."""
    temperature: Positive = 4.0
    """By which the logits of teacher and student are divided before they are compared."""
    teacher_weight: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the teacher in the loss; the labels have the rest."""

    def loader(self, splits: Splits[Images], pipeline: Pipeline, request: Request, machine: Machine) -> Any:
        """Training batches, with the teacher's answers to them where there is a teacher."""
        batches = super().loader(splits, pipeline, request, machine)
        if not self.teacher:
            return batches
        if self.balance:
            what, wanted = "balance is on beside a teacher", "one of the two"
            raise UserError(what, wanted, "The teacher's own run can be balanced.")
        return taught_by(self.teacher, batches, splits, machine)

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Classify:
        """Cross-entropy on the labels, and the teacher's answers where there is one."""
        if not self.teacher:
            return super().task(model, splits, held_out)
        return Distil(model, self.temperature, self.teacher_weight, self.label_smoothing, held_out)

    def notes(self) -> list[str]:
        """Who teaches."""
        told = f"Teacher: {self.teacher}, weight {self.teacher_weight:g}, temperature {self.temperature:g}."
        return [*super().notes(), *([told] if self.teacher else [])]

    def finish(self, pieces: Pieces, folder: RunFolder, at: Where) -> None:
        """The classifier's scores, and what is known of its teacher."""
        super().finish(pieces, folder, at)
        if isinstance(pieces.batches, Taught):
            folder.write("result.json", {**folder.read("result.json"), "teacher": pieces.batches.about})

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The classifier's, and its teacher's accuracy beside it."""
        told, teacher = super().conclusion(result, curve), result.get("teacher")
        if not teacher or teacher["accuracy"] is None:
            return told
        size = counted(teacher["parameters"], "parameter")
        return f"{told}\n teacher  {100 * teacher['accuracy']:.1f} % by {teacher['run']} with {size}"

    def refuse_second(self, ood: str) -> None:
        """A classifier compares with any set of pictures that is here."""
        resolve_pictures(ood)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Write report.html: scores, mistakes, calibration, what the network looks at, and a second set."""
        return report(self, folder, ood, data)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Progress, skip: Skip
    ) -> Iterator[Prediction]:
        """The most probable classes of pictures."""
        return predict(self.classifier(folder), files, top=top, progress=progress, skip=skip)

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX and check it."""
        model, facts = rebuilt(folder, self)
        example = torch.zeros(2, *facts["input"])
        known = {name: facts[name] for name in ("classes", "mean", "std")}
        return export_onnx(model, example, out or folder.path / "model.onnx", known)

    def export_int8(self, folder: RunFolder, out: Path | None, data: str | None = None) -> Int8Check:
        """Write the network as ONNX in 8-bit integers, calibrated on training pictures, and measure it."""
        model, facts = rebuilt(folder, self)
        splits = splits_again(self, folder, data)
        pipeline = self.prepared(facts["mean"], facts["std"], len(facts["classes"]))
        known = {name: facts[name] for name in ("classes", "mean", "std")}
        example = torch.zeros(2, *facts["input"])
        some = torch.linspace(0, len(splits.train) - 1, min(CALIBRATED, len(splits.train))).long()
        shown = [x for x, _ in evaluation_batches(splits.train.take(some), pipeline, 64)]
        plan = Plan(
            shown, partial(evaluation_batches, splits.test, pipeline, 64),
            {size: shown[0][:1].expand(size, -1, -1, -1).contiguous() for size in TIMED}, "image",
            self.threads or torch.get_num_threads(),
        )  # fmt: skip
        return export_int8(
            lambda file: export_onnx(model, example, file, known), out or folder.path / INT8, plan, known
        )

    def warnings(self, splits: Splits[Images]) -> list[str]:
        """That a network which learns from nothing has few colour pictures to learn from, and leaks."""
        each = len(splits.train) / max(1, len(splits.train.classes))
        told = super().warnings(splits)
        if each >= FEW or splits.train.pixels.shape[1] != 3 or self.starts_learnt:
            return told
        few = f"Few to learn from: {counted(round(each), 'training picture')} a class"
        advice = command("train transfer --data", self.data)
        return [*told, f"{few}. A network that has learnt elsewhere needs fewer: {advice}"]

    @property
    def starts_learnt(self) -> bool:
        """Whether training begins with weights that were learnt elsewhere."""
        return False

    def next_step(self, folder: RunFolder) -> str:
        """Pictures are what it is for."""
        return command("predict", folder.path, "FILE...")
