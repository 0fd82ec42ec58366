"""A run that learns to translate from pairs of texts, and is judged by BLEU beside a dictionary."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.text.pairs.batches import PairBatches, in_batches
from gradschool.data.text.pairs.joint import END, START, joint_tokeniser, source_tokens, target_tokens
from gradschool.data.text.pairs.openpairs import open_pairs
from gradschool.data.text.pairs.pairs import TextPairs
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck
from gradschool.evals.language.translation import scores
from gradschool.evals.language.translation.translator import Translator
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import translations as sections
from gradschool.models import catalogue
from gradschool.phrases import command, hanging
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Told
from gradschool.runs.kind import Skip, Wanted
from gradschool.runs.language import translations
from gradschool.runs.language.export import translator as exported
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, Share, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.translate import Translate

ModelFunction = Annotated[Callable[..., nn.Module], ByName("sources")]


@dataclass(frozen=True, kw_only=True)
class TranslationRun(Run):
    """A translator, trained on a set, on a table with a column for each language, or on files of lines."""

    kind: ClassVar[str] = "translation"
    title: ClassVar[str] = "a translator"
    makes: ClassVar[str] = "text"
    examples: ClassVar[str] = "tokens"
    takes: ClassVar[str] = "a table with two columns, or a folder with two files of lines"
    prompts: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "loss", "nats", note="mean negative log-likelihood of a token of the translation"),
        Metric("perplexity", "perplexity", note="e to the loss"),
        Metric("bleu", "BLEU", "", "higher", "of texts as they are written, 0 to 100, by sacrebleu"),
        Metric("chrf", "chrF", "", "higher", "agreement in pieces of characters, 0 to 100, by sacrebleu"),
        Metric("greedy_bleu", "BLEU, greedy", "", "higher", "the most probable token at every step"),
    )

    model: ModelFunction
    """Which network: the name of a function of (sources, targets, ...) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.width=256."""
    source: str | None = None
    """Column, or ending of the file, with the texts to translate; a language of the set, e.g. de."""
    target: str | None = None
    """The same of the translations, e.g. en."""
    vocabulary: Annotated[int, Field(ge=300)] = 8000
    """Different tokens of both languages together, learnt from the training part (joint byte pairs)."""
    longest: Count = 500
    """Characters of a text to train on at most; longer pairs are left out."""
    batch_size: Count = 4096
    """Tokens of both languages a step, about, over all processes together."""
    label_smoothing: Share = 0.1
    """Share of the target spread over all tokens."""
    beams: Count = 5
    """Texts that beam search keeps at every step when the run is used; 1 is greedy decoding."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of all pairs held out to test on, where the data bring no test part."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[TextPairs]:
        """The pairs; `data` says where they lie now, if they moved."""
        scores.refuse_without_bleu()
        return open_pairs(data or self.data, source=self.source, target=self.target, val=self.val,
                          test=self.test, longest=self.longest, seed=seed)  # fmt: skip

    def contents(self, splits: Splits[TextPairs]) -> str:
        """Name and counts of a set, and the direction."""
        return f"{super().contents(splits)} pairs · {' to '.join(splits.train.languages)}"

    def pipeline(self, pairs: TextPairs) -> ByteBPE:
        """How texts of both languages become tokens."""
        return joint_tokeniser(pairs, self.vocabulary)

    def build_model(self, tokens: int) -> nn.Module:
        """A freshly initialised model for so many tokens; the caller has seeded torch's generator.

        Raises:
            UserError: the network cannot be built with these options.
        """
        try:
            return make_model(self.model, tokens, tokens, options=self.model_options)
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{self.network()} cannot be built: {error}", "", "") from error

    def start_model(self, pairs: TextPairs, tokeniser: ByteBPE) -> nn.Module:
        """The model with random weights."""
        return self.build_model(len(tokeniser))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(len(tokeniser_of(facts["tokeniser"])))

    def task(self, model: nn.Module, splits: Splits[TextPairs], held_out: str) -> Translate:
        """Cross-entropy of the next token of the translation."""
        return Translate(model, self.label_smoothing, held_out)

    def loader(
        self, splits: Splits[TextPairs], tokeniser: ByteBPE, request: Request, machine: Machine
    ) -> PairBatches:
        """Pairs of about the same lengths in a batch; processes share every batch."""
        columns = columns_of(splits.train, tokeniser)
        return PairBatches(*columns, self.batch_size, request.seed, share_of_processes())

    def evaluation(self, splits: Splits[TextPairs], tokeniser: ByteBPE) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        return partial(in_batches, *columns_of(splits.val or splits.test, tokeniser), 2 * self.batch_size)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Translate the test part with the final weights, greedily and by beam search, and score it."""
        tokeniser, model, test = pieces.pipeline, pieces.model, pieces.splits.test
        with final_weights(self, pieces, folder), torch.inference_mode():
            # 1. The task's own scores, now of the test part.
            model.eval()
            batches = in_batches(*columns_of(test, tokeniser), 2 * self.batch_size)
            placed = pieces.stepper.machine.placed(batches)
            found = Translate(pieces.task.parts["model"], held_out="test").evaluate(placed)
            # 2. What is needed to use the model.
            parameters = sum(p.numel() for p in model.parameters())
            folder.write("model.json", {"tokeniser": tokeniser.facts(), "parameters": parameters})
            # 3. Translations.
            translator = Translator(model, tokeniser)
            greedy = translator.translate(test.sources)
            beamed = translator.translate(test.sources, self.beams) if self.beams > 1 else greedy
        # 4. BLEU beside what needs no network.
        rows, signature = translations.scored(pieces.splits, greedy, beamed, self.beams)
        translations.write(folder, test, greedy, beamed)
        best = rows[-1]
        found |= {"test_bleu": best["bleu"], "test_chrf": best["chrf"], "test_greedy_bleu": rows[2]["bleu"]}
        write_result(self, pieces, folder, at, found, main="test_bleu", rows=rows, signature=signature)

    def reopened(self, folder: RunFolder) -> Translator:
        """The trained network on the run's machine, with its tokeniser."""
        model, facts = rebuilt(folder, self)
        tokeniser = tokeniser_of(facts["tokeniser"])
        assert isinstance(tokeniser, ByteBPE), "a translator's tokens are byte pairs"
        return Translator(machine_of(folder).place_module(model), tokeniser)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """BLEU beside a dictionary, by length, attention, examples, and curves."""
        if ood:
            self.refuse_second(ood)
        facts = sections.TranslationFacts()
        if result := folder.read("result.json"):
            splits = splits_again(self, folder, data)
            facts = translations.facts_of(self.reopened(folder), splits, folder, result)
        order = [
            sections.against, sections.lengths, sections.attention, sections.examples, numbers.training,
            numbers.rate, numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Translate a prompt and write the translation; see `translations.sample`."""
        return translations.sample(self.reopened(folder), folder, wanted, self.beams, out)

    def answer(self, folder: RunFolder, words: Sequence[str], top: int = 1) -> list[translations.Translated]:
        """The translations of typed texts."""
        found = self.reopened(folder).translate(words, self.beams)
        return [translations.Translated(text, made) for text, made in zip(words, found, strict=True)]

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[translations.Translated]:
        """The translation of every line of text files."""
        translate = partial(self.reopened(folder).translate, beams=self.beams)
        return translations.of_files(translate, files, progress, skip)

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write a transformer as two ONNX files, encoder and decoder with its cache, and check them.

        Args:
            folder: of the run.
            out: folder of the files; None: onnx in the run's folder.
        """
        translator = self.reopened(folder)
        tokens = translator.tokeniser
        about = {"tokeniser": tokens.facts(), "start": tokens.special[START], "end": tokens.special[END]}
        return exported.export(translator.model, out or folder.path / "onnx", about)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """BLEU with its signature, beside the dictionary."""
        metrics = result["metrics"]
        told = (
            f"{metrics['test_bleu']:.1f} BLEU, {metrics['test_chrf']:.1f} chrF in {result['seconds']:.1f} s"
        )
        first = f" scores   {curve}{told}\n BLEU is  {result['signature']}"
        return f"{first}\n{hanging(' verdict  ', sections.verdict(result['rows']))}"

    def next_step(self, folder: RunFolder) -> str:
        """Texts are what it is for."""
        return command("predict", folder.path, "a text of your own")


def columns_of(part: TextPairs, tokeniser: ByteBPE) -> tuple[list[list[int]], list[list[int]]]:
    """The tokens of the sources and of the targets."""
    return source_tokens(tokeniser, part.sources), target_tokens(tokeniser, part.targets)
