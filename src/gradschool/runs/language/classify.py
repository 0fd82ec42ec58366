"""A run that gives every text a class: reviews, messages, questions; any table or class folders of texts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.labelled.words import LISTED, Reading, WordList, split
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.int8 import INT8, Int8Check, Plan, export_int8
from gradschool.models import catalogue
from gradschool.models.language.bag import bag
from gradschool.phrases import counted
from gradschool.runs.finish import rebuilt
from gradschool.runs.language.labelled import LabelledTextRun
from gradschool.runs.reopen import splits_again
from gradschool.runs.run import Count, Pieces
from gradschool.runs.settings import ByName, make_model

TextFunction = Annotated[Callable[..., nn.Module], ByName("words")]
JUDGED = 2000  # test texts at most that an exported file is judged by, one at a time
SPREAD = 0.1  # standard deviation of the vectors of words that have none yet


@dataclass(frozen=True, kw_only=True)
class TextClassifier(LabelledTextRun):
    """A classifier of texts, trained on a set, a table, or a folder or zip of class folders."""

    kind: ClassVar[str] = "text_classifier"
    title: ClassVar[str] = "a text classifier"
    places: ClassVar[tuple[str, ...]] = ("data", "vectors")

    model: TextFunction = bag
    """Which network: the name of a function of (words, classes) in gradschool.models, e.g. bag."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.width=100."""
    least: Count = 2
    """How often a word occurs in the training texts to be known."""
    most: Count = 30_000
    """Words that are known at most, the most frequent ones."""
    vectors: str | None = None
    """Word vectors to begin with: a set such as glove, or a file; only words that have one are known then."""
    frozen: bool = False
    """Leave the word vectors as they are."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

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

    def reading_of(self, facts: dict[str, Any]) -> Reading:
        """The words of a finished run."""
        return Reading(WordList(facts["words"]), facts["longest"])

    def described(self, pieces: Pieces) -> dict[str, Any]:
        """The words that the network knows."""
        return {"words": list(pieces.pipeline.words.words)}

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX and check it; texts of a batch are of the same length."""
        model, facts = rebuilt(folder, self)

        def tokens(size: int, generator: torch.Generator) -> Tensor:
            return torch.randint(LISTED, len(facts["words"]) + LISTED, (size, 20 + size), generator=generator)

        example = tokens(2, torch.Generator().manual_seed(0))
        return export_onnx(model, example, out or folder.path / "model.onnx", told(facts), tokens)

    def export_int8(self, folder: RunFolder, out: Path | None, data: str | None = None) -> Int8Check:
        """Write the network as ONNX with weights in 8-bit integers, and measure it text by text."""
        facts = folder.read("model.json")
        test = splits_again(self, folder, data).test
        some = torch.linspace(0, len(test) - 1, min(JUDGED, len(test))).long()
        part = test.take(some)
        read = [torch.tensor([each]) for each in self.reading_of(facts).of(part.texts)]
        usual = sorted(read, key=lambda each: each.shape[1])[len(read) // 2]
        plan = Plan(
            (), lambda: zip(read, part.labels.split(1), strict=True), {1: usual}, "text",
            self.threads or torch.get_num_threads(),
        )  # fmt: skip
        return export_int8(
            lambda file: self.export(folder, file), out or folder.path / INT8, plan, told(facts)
        )


def told(facts: dict[str, Any]) -> dict[str, Any]:
    """What of model.json goes into an exported file."""
    return {name: facts[name] for name in ("classes", "words", "longest")}
