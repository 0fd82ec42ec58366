"""A run of a language model on running text: characters, words or byte pairs, one after the other.

The model learns to predict the next token of chunks of the text, and is judged beside n-gram models, which
only count.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.text.running.chunks import Chunks, in_chunks, rows_for
from gradschool.data.text.running.corpus import Corpus, open_corpus
from gradschool.data.text.running.running import Running
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.data.text.tokens.words import Words
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.engine.device import Machine
from gradschool.engine.log import Hook
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.optim import Optim
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck
from gradschool.evals.language.beside import counted_nats
from gradschool.evals.language.mixing import mixture
from gradschool.evals.language.reading import Forgetful, has_state, surprisals
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.material import SectionOf
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import corpus as sections
from gradschool.evals.report.text import decoder, inside
from gradschool.evals.report.text.baselines import verdict
from gradschool.models import catalogue
from gradschool.nn.inputs import WrongInput
from gradschool.ops.sequence.counting import bits_per_byte
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Exam, Finding, Skip, Wanted
from gradschool.runs.kind import Progress as Told
from gradschool.runs.language import ask, course
from gradschool.runs.language.exams import tasks, weights
from gradschool.runs.language.export.decoder import export
from gradschool.runs.language.shown import shown_of
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Run, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.next_chunk import NextChunk

ModelFunction = Annotated[Callable[..., nn.Module], ByName("tokens", "pieces")]
USUAL_DEPTH = 4  # of a decoder whose learning rate is the setting's
LEARNT = 50_000_000  # characters from which words and byte pairs are learnt


@dataclass(frozen=True, kw_only=True)
class LanguageRun(Run):
    """A language model, trained on a set that is one long text, on a text file, or on a folder of them."""

    kind: ClassVar[str] = "language_model"
    title: ClassVar[str] = "a language model"
    makes: ClassVar[str] = "text"
    examples: ClassVar[str] = "chunks"
    takes: ClassVar[str] = "a text file or a folder of them"
    prompts: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "loss", "nats", note="mean negative log-likelihood of a token"),
        Metric("perplexity", "perplexity", note="e to the loss"),
        Metric("bits_per_byte", "bits per byte", "bits", note="of the text in UTF-8, whatever its tokens"),
    )

    model: ModelFunction
    """Which network: the name of a function of (tokens, ...) or (pieces, ...) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.hidden=256."""
    depth: Count | None = None
    """Blocks of a decoder: the one dial of its size, which width, heads and learning rate follow."""
    tokeniser: Literal["characters", "words", "bpe"] = "characters"
    """What a token is: a character, a word, or a piece of byte-pair encoding."""
    vocabulary: Annotated[int, Field(ge=2)] = 2048
    """How many different tokens there are, for words and bpe."""
    context: Count = 128
    """Tokens of a chunk: so far back go the gradients."""
    val: Annotated[float, Field(ge=0)] = 0.05
    """Held out before the test part to choose by: a share of the text, or a number of characters."""
    val_first: bool = False
    """The beginning of the text is held out to choose by, and what comes before the test part trained on."""
    test: Annotated[float, Field(gt=0)] = 0.05
    """Held out at the end of the text to test on: a share of it, or a number of characters."""
    sentence: str = ""
    """Whose attention maps the report shows; the beginning of the test part if not given."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[Corpus]:
        """The text; `data` says where it lies now, if it moved. The parts are the same for every seed."""
        name, held = data or self.data, {"val": self.val, "test": self.test}
        return open_corpus(name, self.learn, **held, val_first=self.val_first)

    def learn(self, running: Running, start: int, stop: int) -> Tokeniser:
        """The tokeniser: all characters of the text, or what is frequent in its training part."""
        blocks = running.blocks(start, min(stop, start + LEARNT))
        if self.tokeniser == "characters":
            return Characters(Vocabulary("".join(running.alphabet)))
        return (
            Words.train(blocks, self.vocabulary)
            if self.tokeniser == "words"
            else ByteBPE.train(blocks, self.vocabulary)
        )

    def contents(self, splits: Splits[Corpus]) -> str:
        """Name and sizes of the text in tokens, and how many different ones there are."""
        counts = " / ".join(f"{len(part):,} {name}" for name, part in splits.parts.items())
        return f"{splits.name} · {counts} tokens · {len(splits.train.tokeniser):,} different {self.unit}"

    @property
    def unit(self) -> str:
        """What the tokens are called."""
        return {"bpe": "byte-pair tokens"}.get(self.tokeniser, self.tokeniser)

    def pipeline(self, corpus: Corpus) -> Tokeniser:
        """How text becomes tokens."""
        return corpus.tokeniser

    def build_model(self, size: int) -> nn.Module:
        """A freshly initialised model for so many tokens; the caller has seeded torch's generator.

        Raises:
            UserError: the network cannot be built with these options, or predicts no chunks.
        """
        takes = inspect.signature(self.model).parameters
        window = {"context": self.context} if "context" in takes else {}
        dial = {} if self.depth is None else {"depth": self.depth}
        try:
            model = make_model(self.model, size, options=window | dial | self.model_options)
            found = model(torch.zeros(1, min(2, self.context), dtype=torch.int64))
            logits = found[0] if has_state(model) else found
            if logits.shape[:-1] != (1, min(2, self.context)):
                raise WrongInput(f"it gives logits of shape {tuple(logits.shape)}, one row a token is wanted")
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{self.network()} cannot be built: {error}", "", "") from error
        return model

    def optim(self) -> Optim:
        """The optimiser's settings: the rate is that of depth 4, and falls with the root of the width."""
        optim = super().optim()
        shrink = (USUAL_DEPTH / (self.depth or USUAL_DEPTH)) ** 0.5
        return replace(optim, learning_rate=optim.learning_rate * shrink)

    def start_model(self, corpus: Corpus, pipeline: Tokeniser) -> nn.Module:
        """The model with random weights."""
        return self.build_model(len(pipeline))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(len(tokeniser_of(facts["tokeniser"])))

    def task(self, model: nn.Module, splits: Splits[Corpus], held_out: str) -> NextChunk:
        """Cross-entropy of the next tokens."""
        return NextChunk(model if has_state(model) else Forgetful(model), held_out)

    def loader(
        self, splits: Splits[Corpus], pipeline: Tokeniser, request: Request, machine: Machine
    ) -> Chunks:
        """Rows that walk through the text, or windows for a model without a state."""
        walks = has_state(self.build_model(len(pipeline)))
        size, share = self.batch_size, share_of_processes()
        return Chunks(splits.train.tokens, size, self.context, request.seed, walks, share)

    def evaluation(self, splits: Splits[Corpus], pipeline: Tokeniser) -> HeldOut:
        """Makes the chunks to look at while training: the validation part, or the test part without one."""
        walks = has_state(self.build_model(len(pipeline)))
        tokens = (splits.val or splits.test).tokens
        return partial(in_chunks, tokens, rows_for(tokens), self.context, walks)

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """Draws a text at every evaluation."""
        return [course.Course(pieces, folder, self.context)]

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights, n-gram models and a mixture of both on the test part."""
        splits, tokeniser, model = pieces.splits, pieces.pipeline, pieces.model
        held = [part.tokens for part in (splits.val, splits.test) if part is not None]
        with final_weights(self, pieces, folder), pieces.stepper.machine.autocast():
            # 1. The surprise of every token of the test part.
            model.eval()
            nats = [surprisals(model, tokens, self.context) for tokens in held]
            loss = float(nats[-1].mean(dtype=float))
            found = {"test_loss": loss, "test_perplexity": math.exp(loss)}
            # 2. What is needed to use the model.
            parameters = sum(p.numel() for p in model.parameters())
            folder.write("model.json", {"tokeniser": tokeniser.facts(), "parameters": parameters})
        # 3. Per byte, so that runs with other tokens can be compared; words do not give back the text.
        if self.tokeniser != "words":
            found["test_bits_per_byte"] = float(bits_per_byte(loss, len(splits.test), splits.test.size))
        # 4. Models that count, on the same tokens, and mixed with the network where a weight can be chosen.
        orders = (1, 3, 5, 7) if self.tokeniser == "characters" else (1, 2, 3)
        counted = counted_nats(splits.train.tokens, held, len(tokeniser), orders)
        means = {name: float(each[-1].mean()) for name, each in counted.items()}
        facts: dict[str, Any] = {"baselines": means}
        if splits.val is not None:
            facts["mixture"] = mixture(nats, counted).facts()
        write_result(self, pieces, folder, at, found, unit=self.unit, **facts)

    def as_language(self, folder: RunFolder) -> "LanguageRun":
        """The language run that this folder can be used as: itself, as it was not fine-tuned."""
        return self

    def reopened(self, folder: RunFolder, how: weights.Weights | None = None) -> tuple[nn.Module, Tokeniser]:
        """The trained model on the run's machine, as trained or with whole-number weights; its tokeniser."""
        model, facts = rebuilt(folder, self)
        model = machine_of(folder).place_module(model if how is None else weights.compressed(model, how))
        return model, tokeniser_of(facts["tokeniser"])

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Baselines, texts over training, what surprises the model, its state, and curves."""
        if ood:
            self.refuse_second(ood)
        facts = decoder.DecoderFacts()
        if result := folder.read("result.json"):
            model, tokeniser = self.reopened(folder)
            splits = splits_again(self, folder, data)
            step = self.context * self.batch_size
            facts = shown_of(model, tokeniser, splits, self.context, result, self.sentence, step)
        order: list[SectionOf] = [
            sections.against, sections.written, sections.surprising, decoder.attention, inside.lens,
            inside.induction, sections.state, decoder.position, decoder.calibration, decoder.compute,
            numbers.training, numbers.rate, numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Go on with a prompt and write what comes; see `ask.sample`."""
        model, tokeniser = self.reopened(folder, wanted.weights)
        return ask.sample(model, tokeniser, self.context, folder, wanted, out)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[ask.Read]:
        """How surprised the model is by text files, and by which words most."""
        model, tokeniser = self.reopened(folder)
        return ask.read_files(partial(ask.read, model, tokeniser, self.context, top), files, progress, skip)

    def answer(self, folder: RunFolder, words: Sequence[str], top: int) -> list[ask.Read]:
        """The same of texts that were typed."""
        model, tokeniser = self.reopened(folder)
        return [ask.read(model, tokeniser, self.context, top, ask.shortened(text), text) for text in words]

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX, with its state or cache as input and output, and check it."""
        model, tokeniser = self.reopened(folder)
        about = {"tokeniser": tokeniser.facts(), "context": self.context}
        return export(model, len(tokeniser), out or folder.path / "model.onnx", about)

    def examined(
        self, folder: RunFolder, data: str | None = None, how: weights.Weights | None = None
    ) -> tasks.Examined:
        """The trained model with what it takes to examine it; `data` says where they lie now."""
        model, tokeniser = self.reopened(folder, how)
        return tasks.Examined(model, tokeniser, self.context, partial(splits_again, self, folder, data))

    def evaluate(self, folder: RunFolder, wanted: Exam) -> Finding:
        """Examine it in one of `tasks.TASKS`."""
        return tasks.TASKS[wanted.task](self.examined(folder, wanted.data, wanted.weights), wanted)

    def compress(self, folder: RunFolder, how: weights.Weights, out: Path | None) -> weights.Compression:
        """Write the network with weights of 8 or 4 bits, and measure what it loses."""
        path = folder.path / f"model-{how}.safetensors" if out is None else out
        return weights.compress(self.examined(folder), how, path)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Whether the network beats counting, and by how much."""
        scores = result["metrics"]
        per_byte = scores.get("test_bits_per_byte")
        bits = f", {per_byte:.3f} bits a byte" if per_byte else ""
        told = f"{scores['test_loss']:.3f} nats a token{bits}"
        where = f"on {result['tested']:,} test {result['unit']} in {result['seconds']:.1f} s"
        first = verdict(scores["test_loss"], result["baselines"], "token")
        mixed = ""
        if mixing := result.get("mixture"):
            mixed = f"\n mixture  with the {mixing['beside']}: {mixing['test_loss']:.3f} nats a token"
        return f" verdict  {first}\n loss     {curve}{told} {where}{mixed}"

    def next_step(self, folder: RunFolder) -> str:
        """Texts are what it is for."""
        return command("sample", folder.path)
