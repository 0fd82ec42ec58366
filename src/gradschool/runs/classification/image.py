"""An image classifier's run: what can be asked of it, and its report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from gradschool.engine.run import RunFolder
from gradschool.evals.classification.predict import predict
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.files import Prediction
from gradschool.phrases import command
from gradschool.runs.classification.report import report
from gradschool.runs.finish import rebuilt
from gradschool.runs.kind import Progress, Skip
from gradschool.runs.vision.classifier import ClassifierRun


@dataclass(frozen=True, kw_only=True)
class ImageRun(ClassifierRun):
    """An image classifier trained on a set or on a folder of class folders."""

    kind: ClassVar[str] = "classifier"
    title: ClassVar[str] = "an image classifier"

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

    def next_step(self, folder: RunFolder) -> str:
        """Pictures are what it is for."""
        return command("predict", folder.path, "FILE...")
