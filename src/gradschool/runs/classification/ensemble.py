"""Ensembles of classifiers of pictures: their report, and all members in one ONNX file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from gradschool.data.vision.images import Images
from gradschool.data.vision.open import resolve_pictures
from gradschool.engine.run import RunFolder
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.report import classes, looks, numbers, together, trust
from gradschool.evals.report.classes import ClassFacts
from gradschool.evals.report.page import write_report
from gradschool.phrases import command
from gradschool.runs.classification.report import second_set, tell_abroad
from gradschool.runs.ensembles.ensemble import Ensemble
from gradschool.runs.ensembles.together import Together
from gradschool.runs.reopen import splits_again


@dataclass(frozen=True, kw_only=True)
class ImageEnsemble(Ensemble):
    """Classifiers of pictures that answer together."""

    kind: ClassVar[str] = "image_ensemble"
    ensemble: ClassVar[str] = "image_ensemble"
    title: ClassVar[str] = "an ensemble of image classifiers"

    def refuse_second(self, ood: str) -> None:
        """An ensemble compares with any set of pictures that is here."""
        resolve_pictures(ood)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Members and their weights, scores, mistakes, calibration, and a second set."""
        facts = self.gathered(folder, ood, data) if folder.read("result.json") else ClassFacts()
        tell_abroad(facts, folder, ood)
        sections = [
            together.members, together.folds, classes.classes, classes.confused, looks.mistakes,
            trust.calibrated, trust.abroad, numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, sections)

    def gathered(self, folder: RunFolder, ood: str | None, data: str | None) -> ClassFacts:
        """Pictures and logits of a finished ensemble; a validation part that weights were fitted on is no
        measure of calibration.
        """
        splits = splits_again(self, folder, data)  # type: ignore[arg-type]
        away: Images | None = None
        if ood:
            inner = self.leaf(folder)[1]
            away = second_set(ood, folder, inner.read("model.json"))
        return ClassFacts(
            splits=splits,
            test_logits=self.said(folder, splits.test),
            val_logits=self.said(folder, splits.val)
            if splits.val is not None and self.fit == "none"
            else None,
            ood=away,
            ood_logits=self.said(folder, away) if away is not None else None,
        )

    def from_pixels(self, folder: RunFolder) -> nn.Module:
        """All members and the rule that mixes them, as one module."""
        members = [run.from_pixels(inner) for run, inner in self.inside(folder)]
        return Together(members, self.blend(folder)).eval()

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write all members and their weights as one ONNX file, and check it against torch.

        It takes pixels in [0, 1] at the stored size and gives log-probabilities.
        """
        model, facts = self.from_pixels(folder), self.leaf(folder)[1].read("model.json")
        channels = facts["channels"]
        example = torch.zeros(2, channels, facts["height"], facts["width"])
        known: dict[str, Any] = {
            "classes": facts["classes"],
            "mean": [0.0] * channels,
            "std": [1.0] * channels,
        }
        return export_onnx(model, example, out or folder.path / "model.onnx", known)

    def next_step(self, folder: RunFolder) -> str:
        """Pictures are what it is for."""
        return command("predict", folder.path, "FILE...")


@dataclass(frozen=True, kw_only=True)
class NativeEnsemble(ImageEnsemble):
    """Classifiers of pictures at their own sizes that answer together."""

    kind: ClassVar[str] = "native_ensemble"
    ensemble: ClassVar[str] = "native_ensemble"
    title: ClassVar[str] = "an ensemble of classifiers of pictures at their own sizes"

    def refuse_second(self, ood: str) -> None:
        """Its members compare with no second set."""
        super(ImageEnsemble, self).refuse_second(ood)

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Its members take pictures of many sizes, which no file of ours holds."""
        self.cannot("export", folder)
