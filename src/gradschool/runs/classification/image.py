"""An image classifier's run: what can be asked of it, and its report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.open import resolve_pictures
from gradschool.engine.run import RunFolder
from gradschool.evals.classification.predict import predict
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.files import Prediction
from gradschool.phrases import command, counted
from gradschool.runs.classification.report import report
from gradschool.runs.finish import rebuilt
from gradschool.runs.kind import Progress, Skip
from gradschool.runs.vision.classifier import ClassifierRun

FEW = 300  # training pictures a class, below which fine-tuning is usually far ahead of learning from nothing


@dataclass(frozen=True, kw_only=True)
class ImageRun(ClassifierRun):
    """An image classifier trained on a set or on a folder of class folders."""

    kind: ClassVar[str] = "classifier"
    title: ClassVar[str] = "an image classifier"
    ensemble: ClassVar[str] = "image_ensemble"

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
