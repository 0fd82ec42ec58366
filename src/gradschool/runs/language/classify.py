"""A run that gives every text a class: reviews, messages, questions; any table or class folders of texts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.text.buckets import Buckets, by_length
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.labelled.openlabelled import open_labelled
from gradschool.data.text.labelled.words import LISTED, PADDING, Reading, WordList, split
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.metrics import scores as scores_of
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.language import linear
from gradschool.evals.language.classified import Opinion, classified_files, logits_of, opinions
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import texts
from gradschool.models import catalogue
from gradschool.models.language.bag import bag
from gradschool.phrases import command, counted, hanging
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Told
from gradschool.runs.kind import Skip
from gradschool.runs.language.textfacts import facts_of
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, Share, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.classify import Classify

TextFunction = Annotated[Callable[..., nn.Module], ByName("words")]
SPREAD = 0.1  # standard deviation of the vectors of words that have none yet


@dataclass(frozen=True, kw_only=True)
class TextClassifier(Run):
    """A classifier of texts, trained on a set, a table, or a folder or zip of class folders."""

    kind: ClassVar[str] = "text_classifier"
    title: ClassVar[str] = "a text classifier"
    examples: ClassVar[str] = "texts"
    takes: ClassVar[str] = "a text file, a table of texts and labels, or class folders of .txt files"
    places: ClassVar[tuple[str, ...]] = ("data", "vectors")
    metrics: ClassVar[tuple[Metric, ...]] = (
        replace(ACCURACY, note="of the test texts"),
        replace(LOSS, unit="nats", note="cross-entropy"),
        Metric("f1", "macro F1", "share", "higher", "mean over the classes"),
    )

    model: TextFunction = bag
    """Which network: the name of a function of (words, classes) in gradschool.models, e.g. bag."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. {"width": 100}."""
    text: str | None = None
    """The column with the texts; guessed if not given."""
    label: str | None = None
    """The column with the labels, or several with commas between; guessed if not given."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of all texts held out to test on, the same for every seed, where the data bring no test part."""
    least: Count = 2
    """How often a word occurs in the training texts to be known."""
    most: Count = 30_000
    """Words that are known at most, the most frequent ones."""
    longest: Count = 400
    """Words of a text that are read; what follows is cut off."""
    vectors: str | None = None
    """Word vectors to begin with: a set such as glove, or a file; only words that have one are known then."""
    frozen: bool = False
    """Leave the word vectors as they are."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    balance: bool = False
    """Weigh rare classes up in the loss."""
    baselines: bool = True
    """Fit linear models on counts of words as well, to compare with."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[LabelledTexts]:
        """The texts; `data` says where they lie now, if they moved."""
        return open_labelled(
            data or self.data, text=self.text, label=self.label, val=self.val, test=self.test, seed=seed
        )

    def contents(self, splits: Splits[LabelledTexts]) -> str:
        """Name and counts of a set, and its classes."""
        return f"{super().contents(splits)} · {len(splits.train.classes)} classes"

    def warnings(self, splits: Splits[LabelledTexts]) -> list[str]:
        """How many training texts are cut off."""
        cut = sum(len(t) > self.longest and len(split(t)) > self.longest for t in splits.train.texts)
        told = f"{counted(cut, 'training text')} of more than {self.longest} words: the rest is cut off."
        return [told] if cut else []

    def pipeline(self, texts: LabelledTexts) -> Reading:
        """How texts become tokens: the words of the training part that are frequent enough."""
        known = self.read_vectors().words if self.vectors else ()
        return Reading(WordList.of(texts.texts, self.least, self.most, known), self.longest)

    def read_vectors(self) -> WordVectors:
        """The word vectors to begin with.

        Raises:
            UserError: they are not there or are none.
        """
        assert self.vectors is not None, "asked only where there are some"
        _, place = resolve(self.vectors)
        assert place is not None, "vectors lie in a file"
        return WordVectors.load(place)

    def build_model(self, words: int, classes: int) -> nn.Module:
        """A freshly initialised model; the caller has seeded torch's generator.

        Raises:
            UserError: the network cannot be built with these options.
        """
        try:
            return make_model(self.model, words, classes, options=self.model_options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{self.network()} cannot be built: {error}", "", "") from error

    def start_model(self, texts: LabelledTexts, reading: Reading) -> nn.Module:
        """The model with random weights, or with the vectors that were asked for."""
        model: Any = self.build_model(len(reading.words), len(texts.classes))
        if self.vectors is None:
            if self.frozen:
                raise UserError("frozen is on", "word vectors to begin with", "Example: --set vectors=glove")
            return model
        # 1. A vector for each known word; padding and the unknown word have random ones.
        found = self.read_vectors()
        words, width = len(reading.words), found.table.shape[1]
        if tuple(model.embedding.weight.shape) != (words, width):
            sizes = f"{model.embedding.weight.shape[1]} numbers a word; the vectors have {width}"
            name = "width" if "width" in self.model.__code__.co_varnames else "embedding"
            advice = f"""Set it: --set 'model_options={{"{name}": {width}}}'"""
            raise UserError(f"{self.network()} has {sizes}", "as many", advice)
        table = torch.randn(words, width) * SPREAD
        table[LISTED:] = found.table[[found.numbers[word] for word in reading.words.words]]
        model.give_vectors(table, frozen=self.frozen)
        return model

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(len(facts["words"]) + LISTED, len(facts["classes"]))

    def task(self, model: nn.Module, splits: Splits[LabelledTexts], held_out: str) -> Classify:
        """Cross-entropy of the class."""
        counts = splits.train.labels.bincount(minlength=len(splits.train.classes)).clamp(min=1)
        weights = len(splits.train) / (len(counts) * counts.float()) if self.balance else None
        return Classify(model, self.label_smoothing, weights, held_out)

    def loader(
        self, splits: Splits[LabelledTexts], reading: Reading, request: Request, machine: Machine
    ) -> Buckets:
        """Texts of about the same length in a batch; processes share every batch."""
        tokens = reading.of(splits.train.texts)
        return Buckets(
            tokens, splits.train.labels, self.batch_size, request.seed, PADDING, share_of_processes()
        )

    def evaluation(self, splits: Splits[LabelledTexts], reading: Reading) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        part = splits.val or splits.test
        return partial(by_length, reading.of(part.texts), part.labels, 2 * self.batch_size, PADDING)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights and linear models on the test part."""
        splits, reading, model = pieces.splits, pieces.pipeline, pieces.model
        with final_weights(self, pieces, folder):
            logits = logits_of(model, reading.of(splits.test.texts))
        # 1. What is needed to use the model.
        parameters = sum(p.numel() for p in model.parameters())
        known = {
            "classes": list(splits.train.classes), "words": list(reading.words.words),
            "longest": self.longest, "text": self.text, "parameters": parameters,
        }  # fmt: skip
        folder.write("model.json", known)
        # 2. Scores, and those of linear models on the same texts.
        s = scores_of(logits, splits.test.labels)
        found = {"test_accuracy": s.accuracy, "test_loss": s.loss, "test_f1": s.f1}
        train, test = ((part.texts, part.labels.numpy()) for part in (splits.train, splits.test))
        counted_words = linear.scored(train, test) if self.baselines else {}
        write_result(self, pieces, folder, at, found, interval=s.interval, baselines=counted_words)

    def reopened(self, folder: RunFolder) -> tuple[nn.Module, Reading, dict[str, Any]]:
        """The trained model on the run's machine, how it reads, and the facts of model.json."""
        model, facts = rebuilt(folder, self)
        return (
            machine_of(folder).place_module(model),
            Reading(WordList(facts["words"]), facts["longest"]),
            facts,
        )

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Baselines, scores of classes, confusion, surprises, length, salient words, and curves."""
        if ood:
            advice = f"Ask it about other texts with: {command('predict', folder.path, 'FILE')}"
            raise UserError(f"--ood was given to {self.title}", "an image classifier", advice)
        facts = texts.TextFacts()
        if result := folder.read("result.json"):
            model, reading, _ = self.reopened(folder)
            facts = facts_of(model, reading, splits_again(self, folder, data), result.get("baselines", {}))
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

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX and check it; texts of a batch are of the same length."""
        model, facts = rebuilt(folder, self)

        def tokens(size: int, generator: torch.Generator) -> Tensor:
            return torch.randint(LISTED, len(facts["words"]) + LISTED, (size, 20 + size), generator=generator)

        known = {name: facts[name] for name in ("classes", "words", "longest")}
        example = tokens(2, torch.Generator().manual_seed(0))
        return export_onnx(model, example, out or folder.path / "model.onnx", known, tokens)

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
