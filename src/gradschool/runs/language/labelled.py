"""What all classifiers of texts share: texts with labels from a set, a table or class folders, batches of
like length, scores beside those of linear models, a report, and answers about other texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.text.buckets import Buckets, by_length
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.labelled.openlabelled import open_labelled
from gradschool.data.text.labelled.words import PADDING, TextReading
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.evals.classification.metrics import scores as scores_of
from gradschool.evals.language import linear
from gradschool.evals.language.classified import Opinion, classified_files, logits_of, opinions
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import texts
from gradschool.phrases import command, counted, hanging
from gradschool.runs.ensembles.folded import FoldedRun
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Told
from gradschool.runs.kind import Skip
from gradschool.runs.language.textfacts import facts_of
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Share, share_of_processes
from gradschool.tasks.classify import Classify


@dataclass(frozen=True, kw_only=True)
class LabelledTextRun(FoldedRun):
    """A run on texts with a class each; a kind of run adds how texts become tokens, and its network."""

    ensemble: ClassVar[str] = "text_ensemble"
    examples: ClassVar[str] = "texts"
    takes: ClassVar[str] = "a text file, a table of texts and labels, or class folders of .txt files"
    metrics: ClassVar[tuple[Metric, ...]] = (
        replace(ACCURACY, note="of the test texts"),
        replace(LOSS, unit="nats", note="cross-entropy"),
        Metric("f1", "macro F1", "share", "higher", "mean over the classes"),
    )

    text: str | None = None
    """The column with the texts; guessed if not given."""
    label: str | None = None
    """The column with the labels, or several with commas between; guessed if not given."""
    group: str | None = None
    """The column that says which texts belong together, e.g. by author: no two parts or folds share one."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of all texts held out to test on, the same for every seed, where the data bring no test part."""
    longest: Count = 400
    """Words of a text that are read; what follows is cut off."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    balance: bool = False
    """Weigh rare classes up in the loss."""
    baselines: bool = True
    """Fit linear models on counts of words as well, to compare with."""

    def reading_of(self, facts: dict[str, Any]) -> TextReading:
        """How the texts of a finished run become tokens."""
        raise NotImplementedError

    def described(self, pieces: Pieces) -> dict[str, Any]:
        """What model.json holds beside the classes: all that is needed to use the network."""
        raise NotImplementedError

    def logits(self, model: nn.Module, tokens: Sequence[Sequence[int]], machine: Machine) -> Tensor:
        """What a network says of the test part (n, classes), in float32."""
        return logits_of(model, tokens)

    def open(self, seed: int, data: str | None = None) -> Splits[LabelledTexts]:
        """The texts; `data` says where they lie now, if they moved."""
        place, columns = data or self.data, {"text": self.text, "label": self.label, "group": self.group}
        return self.held_out(
            lambda chosen, val: open_labelled(place, **columns, val=val, test=self.test, seed=chosen), seed
        )

    def contents(self, splits: Splits[LabelledTexts]) -> str:
        """Name and counts of a set, and its classes."""
        return f"{super().contents(splits)} · {len(splits.train.classes)} classes"

    def task(self, model: nn.Module, splits: Splits[LabelledTexts], held_out: str) -> Classify:
        """Cross-entropy of the class."""
        counts = splits.train.labels.bincount(minlength=len(splits.train.classes)).clamp(min=1)
        weights = len(splits.train) / (len(counts) * counts.float()) if self.balance else None
        return Classify(model, self.label_smoothing, weights, held_out)

    def loader(
        self, splits: Splits[LabelledTexts], reading: TextReading, request: Request, machine: Machine
    ) -> Buckets:
        """Texts of about the same length in a batch; processes share every batch."""
        tokens = reading.of(splits.train.texts)
        return Buckets(
            tokens, splits.train.labels, self.batch_size, request.seed, PADDING, share_of_processes()
        )

    def evaluation(self, splits: Splits[LabelledTexts], reading: TextReading) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        part = splits.val or splits.test
        return partial(by_length, reading.of(part.texts), part.labels, 2 * self.batch_size, PADDING)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights and linear models on the test part."""
        splits, model, machine = pieces.splits, pieces.model, pieces.stepper.machine
        with final_weights(self, pieces, folder):
            logits = self.logits(model, pieces.pipeline.of(splits.test.texts), machine)
        # 1. What is needed to use the model.
        known = {
            "classes": list(splits.train.classes), "longest": self.longest, "text": self.text,
            "parameters": sum(p.numel() for p in model.parameters()), **self.described(pieces),
        }  # fmt: skip
        folder.write("model.json", known)
        # 2. Scores, and those of linear models on the same texts.
        s = scores_of(logits, splits.test.labels)
        found = {"test_accuracy": s.accuracy, "test_loss": s.loss, "test_f1": s.f1}
        train, test = ((part.texts, part.labels.numpy()) for part in (splits.train, splits.test))
        counted_words = linear.scored(train, test) if self.baselines else {}
        write_result(self, pieces, folder, at, found, interval=s.interval, baselines=counted_words)

    def reopened(self, folder: RunFolder) -> tuple[nn.Module, TextReading, dict[str, Any]]:
        """The trained model on the run's machine, how it reads, and the facts of model.json."""
        model, facts = rebuilt(folder, self)
        return machine_of(folder).place_module(model), self.reading_of(facts), facts

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Baselines, scores of classes, confusion, surprises, length, salient words, and curves."""
        if ood:
            self.refuse_second(ood)
        facts = texts.TextFacts()
        if result := folder.read("result.json"):
            model, reading, _ = self.reopened(folder)
            splits = splits_again(self, folder, data)
            logits = self.logits(model, reading.of(splits.test.texts), machine_of(folder))
            facts = facts_of(model, reading, splits, logits, result.get("baselines", {}))
        order = [
            texts.against, texts.classes, texts.confused, texts.surprising, texts.longest, texts.salient,
            numbers.training, numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[Opinion]:
        """The most probable classes of each line of text files, or of each row of tables."""
        model, reading, facts = self.reopened(folder)
        ask = partial(opinions, model, reading, facts["classes"], top=top)
        return classified_files(ask, facts["text"], files, progress, skip)

    def answer(self, folder: RunFolder, words: Sequence[str], top: int) -> list[Opinion]:
        """The most probable classes of texts that were typed."""
        model, reading, facts = self.reopened(folder)
        return opinions(model, reading, facts["classes"], words, top)

    def said(self, folder: RunFolder, examples: LabelledTexts) -> Tensor:
        """The logits of a finished run for texts."""
        model, reading, _ = self.reopened(folder)
        return self.logits(model, reading.of(examples.texts), machine_of(folder))

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The share that is right, beside that of the best linear model."""
        accuracy, (low, high) = result["metrics"]["test_accuracy"], result["interval"]
        told = (
            f"{100 * accuracy:.1f} % of {counted(result['tested'], 'test text')} "
            f"in {result['seconds']:.1f} s "
            f"(95 % interval {100 * low:.1f} to {100 * high:.1f})"
        )
        first = f" accuracy {curve}{told}"
        if not result.get("baselines"):
            return first
        return f"{first}\n{hanging(' baseline ', texts.said(accuracy, result['baselines']))}"

    def next_step(self, folder: RunFolder) -> str:
        """Texts are what it is for."""
        return command("predict", folder.path, "a text of your own")
