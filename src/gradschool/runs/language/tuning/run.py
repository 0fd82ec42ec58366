"""What all runs share that fine-tune a language model: where they start, LoRA, what they keep and say.

The frozen weights of a start are not in the checkpoints of a run with LoRA; the final weights are merged and
whole, so the folder stands alone and can be sampled and exported as any language run.
Source: Hu et al. 2022 (LoRA).
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.rows import in_order
from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.dialogues import Dialogues
from gradschool.data.text.dialogues.joined import joined
from gradschool.data.text.dialogues.open import open_dialogues
from gradschool.data.text.dialogues.rows import packed
from gradschool.data.text.dialogues.template import rendered
from gradschool.data.text.running.corpus import Corpus
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.device import Machine
from gradschool.engine.log import Hook
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.task import Batch, Batches
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck
from gradschool.evals.metric import Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.page import write_report
from gradschool.evals.report.text import tuned as sections
from gradschool.nn.attention.lora import merge
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Answer, Exam, Finding, Skip, Wanted
from gradschool.runs.kind import Progress as Told
from gradschool.runs.language.exams import tasks, weights
from gradschool.runs.language.tuning import start as starts
from gradschool.runs.language.tuning.adapted import Adapted, with_lora
from gradschool.runs.language.tuning.chat import Chat
from gradschool.runs.language.tuning.measure import measured
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.run import Pieces, Run

AT_ONCE = 32  # rows that are looked at together where nothing is trained
RIGHT = Metric("right", "answers right", "share", "higher", "whole answers, drawn greedily, end included")
LOSS = Metric("loss", "loss", "nats")
KL = Metric("kl", "KL divergence from the start", "nats", "", "a token of the right answers")


@dataclass(frozen=True, kw_only=True)
class TuningRun(Run):
    """Settings of a run that starts from a language model."""

    title: ClassVar[str] = "a fine-tuned language model"
    makes: ClassVar[str] = "text"
    examples: ClassVar[str] = "dialogues"
    takes: ClassVar[str] = "a file of JSON lines with prompt and answer"
    prompts: ClassVar[bool] = True
    answers: ClassVar[bool] = True  # one can talk to it, and start from it
    places: ClassVar[tuple[str, ...]] = ("data", "start")

    start: str | None = None
    """The language model to start from: folder of a finished run; if not given, one is trained and kept."""
    lora: Annotated[int, Field(ge=0)] = 0
    """Rank of the LoRA matrices that are trained in place of the weights; 0 trains all weights."""
    lora_alpha: Annotated[float, Field(gt=0)] = 16.0
    """How much the LoRA matrices count: their product is multiplied by this over the rank."""
    lora_layers: tuple[str, ...] = ("query", "value")
    """Names of the layers that get LoRA."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the questions held out to test on, where the file names no test part."""

    def stage_before(self) -> tuple[Run, str] | None:
        """The run that is trained where no start is named, and its recipe; None: a start has to be named."""
        return None

    @cached_property
    def origin(self) -> starts.Start:
        """What the run starts from.

        Raises:
            UserError: nothing is named, or it is no language model.
        """
        if self.start:
            return starts.opened(self.start)
        before = self.stage_before()
        if before is None:
            raise UserError("start is not given", "a finished language run", starts.EXAMPLE)
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            return starts.opened(starts.trained(*before, print))

    def network(self) -> str:
        """What is trained, and what it was."""
        origin = self.origin
        trained = f"LoRA of rank {self.lora}" if self.lora else "all weights"
        return f"{trained} of {origin.language.network()} from {origin.folder.path.name}"

    def open(self, seed: int, data: str | None = None) -> Splits[Dialogues]:
        """The dialogues that the model can read; `data` says where they lie now, if they moved."""
        return open_dialogues(data or self.data, val=self.val, test=self.test, seed=seed, fits=self.fits)

    def fits(self, dialogue: Dialogue) -> str:
        """Why a dialogue cannot be used; "" where it can."""
        origin = self.origin
        try:
            tokens, _ = rendered(dialogue.turns, origin.tokeniser)
        except UserError as error:
            return f"{error.what}, which {origin.folder.path} never saw (questions are marked Q:, answers A:)"
        longest = origin.context
        return f"has {len(tokens)} tokens, {longest} are read" if len(tokens) > longest else ""

    def pipeline(self, train: Dialogues) -> Tokeniser:
        """How text becomes tokens: as the start was trained."""
        return self.origin.tokeniser

    def start_model(self, train: Dialogues, pipeline: Tokeniser) -> nn.Module:
        """The network of the start, with LoRA put in where it is wanted."""
        model = self.origin.model()
        return with_lora(model, self.lora, self.lora_alpha, self.lora_layers) if self.lora else model

    def stored(self, model: nn.Module) -> nn.Module:
        """The network as the folder keeps it: LoRA merged into its layers."""
        return merge(copy.deepcopy(model)) if self.lora else model

    def feed(
        self, model: nn.Module, batches: Any, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """Of a network with LoRA, only that is trained."""
        return (Adapted(model) if self.lora else model), batches, held_out

    def rows(self, part: Dialogues) -> Batch:
        """A part as packed rows, as it is evaluated."""
        return packed(part.items, self.origin.tokeniser, self.origin.context)

    def evaluation(self, splits: Splits[Dialogues], pipeline: Tokeniser) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        return partial(in_order, self.rows(splits.val or splits.test), AT_ONCE)

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """None; but a run that is resumed has to find the start that it began with.

        Raises:
            UserError: the weights of the start are others now.
        """
        before, now = folder.read("start.json"), self.origin.digest()
        if before and before["sha256"] != now:
            what = f"{self.origin.folder.path}, which {folder.path} started from, has other weights now"
            raise UserError(what, "those it began with", "Put them back, or train again.")
        folder.write("start.json", {"folder": str(self.origin.folder.path.resolve()), "sha256": now})
        return []

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights on the test part, beside the start and the most frequent answer."""
        splits, model, machine = pieces.splits, pieces.model, pieces.stepper.machine
        before = machine.place_module(self.origin.model()).eval()
        with final_weights(self, pieces, folder), torch.inference_mode(), machine.autocast():
            model.eval()
            # 1. The task's own scores, now of the test part.
            found = self.test_scores(pieces)
            # 2. What is needed to use the model.
            folder.write("model.json", self.origin.kept() | {"tuned": self.kind})
            # 3. Answers before and after, and how far the model has gone.
            scores, facts = measured(before, model, self.origin.tokeniser, splits, self.origin.context)
            write_result(self, pieces, folder, at, {**scores, **found}, **facts)

    def tested(self, pieces: Pieces) -> Iterator[Batch]:
        """The batches of the test part, as the task evaluates them."""
        return in_order(self.rows(pieces.splits.test), AT_ONCE)

    def test_scores(self, pieces: Pieces) -> dict[str, float]:
        """What the task says of the test part; the model is in eval mode."""
        pieces.task.held_out = "test"  # type: ignore[attr-defined]
        return pieces.task.evaluate(pieces.stepper.machine.placed(self.tested(pieces)))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The network of a finished run, before its weights."""
        return starts.language_of(facts).rebuild(facts)

    def chat(self, folder: RunFolder, temperature: float = 0.0, seed: int = 0) -> Chat:
        """Someone to talk to."""
        model, facts = rebuilt(folder, self)
        placed, context = machine_of(folder).place_module(model), starts.language_of(facts).context
        return Chat(placed, tokeniser_of(facts["tokeniser"]), context, temperature, seed)

    def as_language(self, folder: RunFolder) -> Any:
        """The language run that this folder can be used as.

        Raises:
            UserError: the run is not finished.
        """
        _, facts = rebuilt(folder, self)
        return starts.language_of(facts)

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Go on with a prompt as it stands, without the template of a chat."""
        path: Path = self.as_language(folder).sample(folder, wanted, out)
        return path

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[Answer]:
        """How surprised the model is by text files."""
        found: Iterator[Answer] = self.as_language(folder).predict(folder, files, top, progress, skip)
        return found

    def answer(self, folder: RunFolder, words: Sequence[str], top: int) -> Sequence[Answer]:
        """The same of texts that were typed."""
        found: Sequence[Answer] = self.as_language(folder).answer(folder, words, top)
        return found

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX, as that of any language run."""
        found: ExportCheck = self.as_language(folder).export(folder, out)
        return found

    def examined(
        self, folder: RunFolder, data: str | None = None, how: weights.Weights | None = None
    ) -> tasks.Examined:
        """The trained model with what it takes to examine it; `data` says where its dialogues lie now."""
        found = self.as_language(folder).examined(folder, how=how)
        part = "the test part, its dialogues one after the other"
        return replace(found, splits=partial(self.as_text, folder, data), part=part)

    def as_text(self, folder: RunFolder, data: str | None = None) -> Splits[Corpus]:
        """The dialogues of a finished run as running text; what it started from is not needed."""
        found = splits_again(replace(self, start=str(folder.path)), folder, data)
        tokeniser = tokeniser_of(folder.read("model.json")["tokeniser"])
        texts = {name: joined(part.items, tokeniser) for name, part in found.parts.items()}
        return Splits(found.name, texts["train"], texts.get("val"), texts["test"], found.skipped, found.notes)

    def evaluate(self, folder: RunFolder, exam: Exam) -> Finding:
        """Examine it in one of `tasks.TASKS`."""
        return tasks.TASKS[exam.task](self.examined(folder, exam.data, exam.weights), exam)

    def compress(self, folder: RunFolder, how: weights.Weights, out: Path | None) -> weights.Compression:
        """Write the network with weights of 8 or 4 bits, and measure what it loses."""
        path = folder.path / f"model-{how}.safetensors" if out is None else out
        return weights.compress(self.examined(folder), how, path)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Share right beside simple baselines, answers before and after, and curves."""
        if ood:
            self.refuse_second(ood)
        facts = sections.TunedFacts(unit="answers")
        order = [
            sections.against, sections.examples, numbers.training, numbers.rate, numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """How many answers are right, before and after."""
        right, of = result["metrics"]["test_right"], result["baselines"]
        told = f"{100 * right:.1f} % of {result['tested']:,} test answers right in {result['seconds']:.1f} s"
        beside = ", ".join(f"{name} {100 * share:.1f} %" for name, share in of.items())
        return f" right    {curve}{told}\n baseline {beside}"

    def next_step(self, folder: RunFolder) -> str:
        """It is there to be talked to."""
        return command("chat", folder.path)
