"""A run that gives every word a label: names in a sentence, or the capitals and marks that a text has
lost.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.text.buckets import Buckets, by_length
from gradschool.data.text.labelled.opentagged import is_restoring, open_tagged
from gradschool.data.text.labelled.tagged import TaggedTexts, restored, stripped
from gradschool.data.text.labelled.words import LISTED, PADDING, WordList
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.metrics import confusion_matrix
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.language.classified import each_logits, texts_in
from gradschool.evals.language.tags import MostFrequent, span_f1, token_accuracy
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import tags
from gradschool.models import catalogue
from gradschool.models.language.tagger import tagger
from gradschool.phrases import command, hanging
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Told
from gradschool.runs.kind import Skip
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.label_tokens import IGNORED, LabelTokens

TagFunction = Annotated[Callable[..., nn.Module], ByName("tokens")]
TABLE, NETWORK = "the most frequent label of each word", "this network"
SHOWN = 5  # sequences in the report


@dataclass(frozen=True)
class Labelled:
    """A text with its labels, or with its capitals and marks put back."""

    shown: str
    words: Sequence[str]
    labels: Sequence[str]
    file: Path | None = None

    def line(self) -> str:
        """For a terminal."""
        return self.shown

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        told = {"words": list(self.words), "labels": list(self.labels), "text": self.shown}
        return told if self.file is None else {"file": self.file, **told}


@dataclass(frozen=True, kw_only=True)
class SequenceLabels(Run):
    """Labels of every word, trained on a file of two columns, JSON lines, or on any plain text."""

    kind: ClassVar[str] = "sequence_labels"
    title: ClassVar[str] = "a network that labels every word"
    examples: ClassVar[str] = "sequences"
    metrics: ClassVar[tuple[Metric, ...]] = (
        replace(ACCURACY, title="token accuracy", note="of the words of the test part"),
        replace(LOSS, unit="nats", note="cross-entropy of a word's label"),
        Metric("f1", "span F1", "share", "higher", "label and both ends of a span are right"),
    )

    model: TagFunction = tagger
    """Which network: the name of a function of (tokens, labels) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.hidden=128."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of all sequences held out to test on, the last ones, where the data bring no test part."""
    least: Count = 2
    """How often a word occurs in the training part to be known."""
    most: Count = 30_000
    """Words that are known at most, the most frequent ones."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[TaggedTexts]:
        """The sequences; `data` says where they lie now, if they moved."""
        return open_tagged(data or self.data, val=self.val, test=self.test)

    def contents(self, splits: Splits[TaggedTexts]) -> str:
        """Name and counts of a set, and its labels."""
        return f"{super().contents(splits)} · {len(splits.train.classes)} labels"

    def pipeline(self, texts: TaggedTexts) -> WordList:
        """The words of the training part that are frequent enough."""
        return WordList.of_words(texts.words, self.least, self.most)

    def build_model(self, tokens: int, labels: int) -> nn.Module:
        """A freshly initialised model; the caller has seeded torch's generator.

        Raises:
            UserError: the network cannot be built with these options.
        """
        try:
            return make_model(self.model, tokens, labels, options=self.model_options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{self.network()} cannot be built: {error}", "", "") from error

    def start_model(self, texts: TaggedTexts, words: WordList) -> nn.Module:
        """The model with random weights."""
        return self.build_model(len(words), len(texts.classes))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(len(facts["words"]) + LISTED, len(facts["classes"]))

    def task(self, model: nn.Module, splits: Splits[TaggedTexts], held_out: str) -> LabelTokens:
        """Cross-entropy of every word's label."""
        return LabelTokens(model, held_out)

    def loader(
        self, splits: Splits[TaggedTexts], words: WordList, request: Request, machine: Machine
    ) -> Buckets:
        """Sequences of about the same length in a batch; processes share every batch."""
        x, y = columns_of(splits.train, words)
        return Buckets(x, y, self.batch_size, request.seed, PADDING, share_of_processes())

    def evaluation(self, splits: Splits[TaggedTexts], words: WordList) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        return partial(by_length, *columns_of(splits.val or splits.test, words), 2 * self.batch_size, PADDING)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights and a table of words on the test part."""
        splits, words, model = pieces.splits, pieces.pipeline, pieces.model
        names = list(splits.train.classes)
        known = {"classes": names, "words": list(words.words), "restores": is_restoring(self.data),
                 "parameters": sum(p.numel() for p in model.parameters())}  # fmt: skip
        with final_weights(self, pieces, folder):
            said = labels_of(model, words, names, splits.test.words)
            batches = by_length(*columns_of(splits.test, words), 2 * self.batch_size, PADDING)
            with torch.no_grad():
                found = LabelTokens(model.eval(), "test").evaluate(pieces.stepper.machine.placed(batches))
        folder.write("model.json", known)
        true = named(splits.test)
        found["test_f1"] = span_f1(true, said)
        table = [MostFrequent(splits.train.words, named(splits.train))(each) for each in splits.test.words]
        baseline = {"accuracy": token_accuracy(true, table), "f1": span_f1(true, table)}
        write_result(self, pieces, folder, at, found, baseline=baseline)

    def reopened(self, folder: RunFolder) -> tuple[nn.Module, WordList, dict[str, Any]]:
        """The trained model on the run's machine, its words, and the facts of model.json."""
        model, facts = rebuilt(folder, self)
        return machine_of(folder).place_module(model), WordList(facts["words"]), facts

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Baseline, scores of labels, confusion, examples, and curves."""
        if ood:
            self.refuse_second(ood)
        facts = tags.TagFacts()
        if result := folder.read("result.json"):
            model, words, known = self.reopened(folder)
            splits = splits_again(self, folder, data)
            said = labels_of(model, words, known["classes"], splits.test.words)
            facts = self.facts_of(model, known, splits, said, result)
        order = [tags.against, tags.classes, tags.confused, tags.examples, numbers.training, numbers.settings]
        return write_report(folder.path, facts, order)

    def facts_of(
        self, model: nn.Module, known: dict[str, Any], splits: Splits[TaggedTexts],
        said: Sequence[Sequence[str]], result: dict[str, Any],
    ) -> tags.TagFacts:  # fmt: skip
        """What the report shows."""
        true, names = named(splits.test), list(known["classes"])
        pairs = [(names.index(a), names.index(b)) for one, other in zip(true, said, strict=True)
                 for a, b in zip(one, other, strict=True) if a in names]  # fmt: skip
        first, second = torch.tensor(pairs, dtype=torch.int64).view(-1, 2).T
        base, scores = result["baseline"], result["metrics"]
        shown = [
            (spelt(words, t, known["restores"]), spelt(words, s, known["restores"]))
            for words, t, s in list(zip(splits.test.words, true, said, strict=True))[:SHOWN]
        ]
        rows = [(TABLE, base["accuracy"], base["f1"]), (NETWORK, scores["test_accuracy"], scores["test_f1"])]
        return tags.TagFacts(splits=splits, model=model, classes=names, rows=rows, examples=shown,
                             confusion=confusion_matrix(first, second, len(names)))  # fmt: skip

    def answer(self, folder: RunFolder, words: Sequence[str], top: int = 1) -> list[Labelled]:
        """Typed texts with their labels."""
        model, known, facts = self.reopened(folder)
        cut = [stripped(text)[0] if facts["restores"] else text.split() for text in words]
        cut = [each for each in cut if each]
        said = labels_of(model, known, facts["classes"], cut) if cut else []
        return [Labelled(spelt(w, s, facts["restores"]), w, s) for w, s in zip(cut, said, strict=True)]

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[Labelled]:
        """Every line of text files with its labels."""
        for number, file in enumerate(files, 1):
            try:
                lines = [text for _, text in texts_in(file, None)]
            except UserError as error:
                skip(file, error.what)
                continue
            yield from (replace(one, file=file) for one in self.answer(folder, lines))
            progress(number, len(files))

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX and check it: tokens (b, t) to logits (b, t, labels), without padding."""
        model, facts = rebuilt(folder, self)
        size = len(facts["words"]) + LISTED

        def tokens(count: int, generator: torch.Generator) -> Tensor:
            return torch.randint(LISTED, size, (count, 5 + 7 * count), generator=generator)

        known = {name: facts[name] for name in ("classes", "words", "restores")}
        example = tokens(2, torch.Generator().manual_seed(0))
        return export_onnx(model, example, out or folder.path / "model.onnx", known, tokens)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Span F1 beside that of a table of words."""
        base, scores = result["baseline"], result["metrics"]
        rows = [(TABLE, base["accuracy"], base["f1"]), (NETWORK, scores["test_accuracy"], scores["test_f1"])]
        told = f"{100 * scores['test_f1']:.1f} % span F1, {100 * scores['test_accuracy']:.1f} % of the words"
        first = f" labels   {curve}{told} in {result['seconds']:.1f} s"
        return f"{first}\n{hanging(' baseline ', tags.said(rows))}"

    def next_step(self, folder: RunFolder) -> str:
        """Texts are what it is for."""
        return command("predict", folder.path, "a text of your own")


def columns_of(part: TaggedTexts, words: WordList) -> tuple[list[list[int]], Tensor]:
    """Tokens of each sequence, and its labels (n, longest) with the sign for padding behind them."""
    tokens = [words.encode_words(each) for each in part.words]
    rows = [torch.tensor(each) for each in part.tags]
    return tokens, nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)


def labels_of(
    model: nn.Module, words: WordList, classes: Sequence[str], texts: Sequence[Sequence[str]]
) -> list[list[str]]:
    """The most probable label of every word of each sequence."""
    tokens = [words.encode_words(each) for each in texts]
    return [[classes[i] for i in one.argmax(-1).tolist()] for one in each_logits(model, tokens)]


def named(part: TaggedTexts) -> list[list[str]]:
    """The labels of each sequence by name."""
    return [[part.classes[i] for i in each] for each in part.tags]


def spelt(words: Sequence[str], labels: Sequence[str], restores: bool) -> str:
    """Words and labels as a text: capitals and marks put back, or each word with its label."""
    return (
        restored(words, labels)
        if restores
        else " ".join(f"{w}/{t}" for w, t in zip(words, labels, strict=True))
    )
