"""Runs that learn from pairs of answers: direct preference optimisation, and a reward model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.rows import Rows, in_order
from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.dialogues import Dialogues
from gradschool.data.text.dialogues.rows import pairs
from gradschool.data.text.tokens.load import tokeniser_of
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.task import Batch, Batches
from gradschool.evals.metric import Metric
from gradschool.nn.attention.score import Score
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Answer, Kind, Skip
from gradschool.runs.kind import Progress as Told
from gradschool.runs.language.tuning import start as starts
from gradschool.runs.language.tuning.answers import AnswersRun
from gradschool.runs.language.tuning.run import AT_ONCE, KL, LOSS, RIGHT, TuningRun
from gradschool.runs.language.tuning.scores import Scorer, of_files, of_words
from gradschool.runs.reopen import machine_of
from gradschool.runs.request import Request
from gradschool.runs.run import Pieces, Run, share_of_processes
from gradschool.tasks.dpo import Dpo, Preferring, referenced
from gradschool.tasks.reward import RewardPairs

PREFERRED = Metric("preferred", "pairs in the right order", "share", "higher")


@dataclass(frozen=True, kw_only=True)
class PairsRun(TuningRun):
    """What both share: pairs of answers, and a fine-tuned model to start from."""

    takes: ClassVar[str] = "a file of JSON lines with prompt, chosen and rejected"
    examples: ClassVar[str] = "pairs"

    base: AnswersRun | None = None
    """Settings of the fine-tuned model that is trained first where no start is named."""

    def stage_before(self) -> tuple[Run, str] | None:
        """The model that was fine-tuned on answers."""
        return None if self.base is None else (self.base, "arithmetic_sft")

    def fits(self, dialogue: Dialogue) -> str:
        """Both answers have to fit."""
        if dialogue.rejected is None:
            return "has no rejected answer"
        return super().fits(dialogue) or super().fits(dialogue.with_answer(dialogue.rejected))

    def columns(self, part: Dialogues) -> Batch:
        """A part as tensors."""
        return pairs(part.items, self.origin.tokeniser)

    def loader(
        self, splits: Splits[Dialogues], pipeline: Tokeniser, request: Request, machine: Machine
    ) -> Any:
        """Pairs in a new order every epoch; processes share every batch."""
        return Rows(self.columns(splits.train), self.batch_size, request.seed, share_of_processes())

    def evaluation(self, splits: Splits[Dialogues], pipeline: Tokeniser) -> HeldOut:
        """Pairs of the validation part, or of the test part without one."""
        return partial(in_order, self.columns(splits.val or splits.test), AT_ONCE)

    def tested(self, pieces: Pieces) -> Iterator[Batch]:
        """Pairs of the test part."""
        return in_order(self.columns(pieces.splits.test), AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class PreferenceRun(PairsRun):
    """Direct preference optimisation (DPO)."""

    kind: ClassVar[str] = "preference_tuned"
    title: ClassVar[str] = "a language model fine-tuned on preferences"
    metrics: ClassVar[tuple[Metric, ...]] = (
        PREFERRED,
        RIGHT,
        Metric("loss", "loss of DPO", "nats", note="a pair"),
        Metric("lead", "lead of the chosen answer", "nats", "higher"),
        KL,
    )

    beta: Annotated[float, Field(gt=0)] = 0.1
    """How far the model may go from where it started; the smaller, the farther."""
    smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Share of the pairs that are thought to be in the wrong order."""

    def task(self, model: nn.Module, splits: Splits[Dialogues], held_out: str) -> Dpo:
        """The loss of DPO."""
        return Dpo(model, Preferring(self.beta, self.smoothing), held_out)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """How many pairs are in the right order, and how many answers are right."""
        share = f"{100 * result['metrics']['test_preferred']:.1f} % of the test pairs in the right order"
        return f" order    {curve}{share}\n{super().conclusion(result, '')}"

    def feed(
        self, model: nn.Module, batches: Rows, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """What the start says of every answer goes along with the pairs: it does not change."""
        held = tuple(torch.cat(column) for column in zip(*held_out(), strict=True))
        columns = self.beside(machine, batches.columns)
        known = Rows(columns, batches.batch_size, batches.seed, batches.share)
        fed = partial(in_order, self.beside(machine, held), AT_ONCE)
        return super().feed(model, known, fed, machine)

    def tested(self, pieces: Pieces) -> Iterator[Batch]:
        """Pairs of the test part with what the start says of them."""
        columns = self.columns(pieces.splits.test)
        return in_order(self.beside(pieces.stepper.machine, columns), AT_ONCE)

    def beside(self, machine: Machine, columns: Batch) -> Batch:
        """The columns with what the start says of them, in the precision in which the model is trained."""
        start = machine.place_module(self.origin.model())  # outside, for autocast keeps the weights it sees
        with machine.autocast():
            return referenced(start, columns)


@dataclass(frozen=True, kw_only=True)
class RewardRun(PairsRun):
    """A reward model: a score for answers, learnt from pairs."""

    kind: ClassVar[str] = "reward_model"
    title: ClassVar[str] = "a reward model"
    answers: ClassVar[bool] = False
    prompts: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (PREFERRED, LOSS)

    def start_model(self, train: Dialogues, pipeline: Tokeniser) -> nn.Module:
        """The start with a new layer that scores."""
        return Score(super().start_model(train, pipeline), len(pipeline))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The scoring network, before its weights."""
        return Score(super().rebuild(facts), int(facts["kinds"]))

    def task(self, model: nn.Module, splits: Splits[Dialogues], held_out: str) -> RewardPairs:
        """The loss of Bradley and Terry."""
        return RewardPairs(model, held_out)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights on the test part, beside the choice of the shorter answer."""
        with final_weights(self, pieces, folder), torch.inference_mode():
            pieces.model.eval()
            found = self.test_scores(pieces)
            folder.write(
                "model.json", self.origin.kept() | {"tuned": self.kind, "kinds": len(pieces.pipeline)}
            )
        share = by_length([(each.answer, each.rejected or "") for each in pieces.splits.test.items])
        write_result(self, pieces, folder, at, found, baselines={"by length alone": share, "at random": 0.5})

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """How many pairs are in the right order."""
        share, of = result["metrics"]["test_preferred"], result["baselines"]
        told = f"{100 * share:.1f} % of {result['tested']:,} test pairs in the right order"
        beside = ", ".join(f"{name} {100 * each:.1f} %" for name, each in of.items())
        return f" order    {curve}{told} in {result['seconds']:.1f} s\n baseline {beside}"

    def scorer(self, folder: RunFolder) -> Scorer:
        """The trained network on the run's machine, with how it reads."""
        model, facts = rebuilt(folder, self)
        context = starts.language_of(facts).context
        return Scorer(machine_of(folder).place_module(model), tokeniser_of(facts["tokeniser"]), context)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Told, skip: Skip
    ) -> Iterator[Answer]:
        """The score of every answer of files of JSON lines."""
        return of_files(self.scorer(folder), files, progress, skip)

    def answer(self, folder: RunFolder, words: Sequence[str], top: int) -> Sequence[Answer]:
        """The scores of answers that were typed behind their prompt."""
        return of_words(self.scorer(folder), words)

    def next_step(self, folder: RunFolder) -> str:
        """Look at its curves."""
        return command("report", folder.path)

    chat = Kind.chat
    sample = Kind.sample
    evaluate = Kind.evaluate
    export = Kind.export
    compress = Kind.compress


def by_length(pairs: Sequence[tuple[str, str]]) -> float:
    """The share of pairs that are in the right order by the length of their answers alone, whichever of short
    and long is the better rule; of equal lengths half.

    Args:
        pairs: preferred and rejected answers, one pair or more.
    """
    shorter = sum(len(chosen) < len(rejected) for chosen, rejected in pairs)
    longer = sum(len(chosen) > len(rejected) for chosen, rejected in pairs)
    equal = len(pairs) - shorter - longer
    return (max(shorter, longer) + equal / 2) / len(pairs)
