"""Ensembles of classifiers of texts: their report, and what they say of texts that are typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from gradschool.engine.run import RunFolder
from gradschool.evals.report import numbers, together
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import texts
from gradschool.phrases import command
from gradschool.runs.ensembles.ensemble import Ensemble, mixed
from gradschool.runs.reopen import splits_again


@dataclass(frozen=True, kw_only=True)
class TextEnsemble(Ensemble):
    """Classifiers of texts that answer together."""

    kind: ClassVar[str] = "text_ensemble"
    ensemble: ClassVar[str] = "text_ensemble"
    title: ClassVar[str] = "an ensemble of text classifiers"

    def answer(self, folder: RunFolder, words: Sequence[str], top: int) -> list[Any]:
        """The most probable classes of texts that were typed."""
        classes = folder.read("model.json")["classes"]
        every = [run.answer(inner, words, len(classes)) for run, inner in self.inside(folder)]
        blend = self.blend(folder)
        return [mixed(answers, blend, classes, top) for answers in zip(*every, strict=True)]

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Members and their weights, scores of classes, confusion, surprises."""
        if ood:
            self.refuse_second(ood)
        facts = texts.TextFacts()
        if folder.read("result.json"):
            splits = splits_again(self, folder, data)  # type: ignore[arg-type]
            part, logits = splits.test, self.said(folder, splits.test)
            facts = texts.TextFacts(
                splits=splits, texts=part.texts, labels=part.labels, classes=part.classes, logits=logits
            )
        order = [
            together.members, together.folds, texts.classes, texts.confused, texts.surprising,
            numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def next_step(self, folder: RunFolder) -> str:
        """Texts are what it is for."""
        return command("predict", folder.path, "a text of your own")
