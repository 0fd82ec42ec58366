"""A run of GRPO: a language model tries answers to questions, and what is rewarded becomes more probable."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.rows import Rows
from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.dialogues import Dialogues
from gradschool.data.text.dialogues.rows import questions
from gradschool.data.text.dialogues.template import END, answer_of, asked, through_end, tidy
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.device import Machine
from gradschool.evals.metric import Metric
from gradschool.runs.language.tuning.answers import AnswersRun
from gradschool.runs.language.tuning.run import KL, LOSS, RIGHT, TuningRun
from gradschool.runs.request import Request, Say
from gradschool.runs.run import Count, Pieces, Run, share_of_processes
from gradschool.tasks.grpo import Grpo, Judge, Trying

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class GroupsRun(TuningRun):
    """Group relative policy optimisation (GRPO) with a reward that can be verified.

    `batch_size` counts questions; to each a group of answers is drawn.
    """

    kind: ClassVar[str] = "reward_tuned"
    title: ClassVar[str] = "a language model fine-tuned by rewards"
    examples: ClassVar[str] = "questions"
    metrics: ClassVar[tuple[Metric, ...]] = (
        RIGHT,
        LOSS,
        Metric("reward", "mean reward", "", "higher", "of the answers that were drawn"),
        KL,
        Metric("answer_tokens", "tokens of an answer", "", ""),
    )

    base: AnswersRun | None = None
    """Settings of the fine-tuned model that is trained first where no start is named."""
    reward: Literal["exact", "number"] = "exact"
    """What earns the reward of 1: the right answer as a whole, or its last number."""
    group: Annotated[int, Field(ge=2)] = 8
    """Answers that are drawn to each question."""
    longest: Count = 16
    """Tokens of an answer, its end included; one that does not end in time earns nothing."""
    updates: Count = 1
    """Optimiser steps that each draw is used for."""
    clip_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    """How far a ratio of probabilities may leave 1 before it gains nothing more."""
    beta: Annotated[float, Field(ge=0)] = 0.04
    """Weight of the KL divergence from the start."""

    def stage_before(self) -> tuple[Run, str] | None:
        """The model that was fine-tuned on answers."""
        return None if self.base is None else (self.base, "arithmetic_sft")

    def fits(self, dialogue: Dialogue) -> str:
        """The question has to fit with the longest answer that is drawn."""
        reason, origin = super().fits(dialogue), self.origin
        if reason:
            return reason
        count, most = len(asked(dialogue.turns[:-1], origin.tokeniser)), origin.context - self.longest
        return f"has {count} tokens before the answer, {most} leave room for longest" if count > most else ""

    def task(self, model: nn.Module, splits: Splits[Dialogues], held_out: str) -> Grpo:
        """Tries, rewards and clipped steps."""
        how = Trying(self.group, self.longest, self.updates, self.clip_ratio, self.beta)
        network = model.__dict__.get("network", model)  # LoRA wraps the network that draws
        place = next(network.parameters()).device
        reference = self.origin.model().to(place).requires_grad_(False) if self.beta else None
        wanted = [tidy(each.answer) for each in splits.train.items]
        return Grpo(
            model, network, reference, judge(wanted, self.origin.tokeniser, self.reward), how, held_out
        )

    def assemble(self, request: Request, machine: Machine, say: Say) -> Pieces:
        """As of any run; draws and the reference compute in the precision of the steps."""
        pieces = super().assemble(request, machine, say)
        pieces.task.precision = machine.autocast  # type: ignore[attr-defined]
        return pieces

    def loader(
        self, splits: Splits[Dialogues], pipeline: Tokeniser, request: Request, machine: Machine
    ) -> Any:
        """Questions in a new order every epoch, with their numbers; processes share every batch."""
        columns = (*questions(splits.train.items, pipeline), torch.arange(len(splits.train)))
        return Rows(columns, self.batch_size, request.seed, share_of_processes())


def judge(wanted: Sequence[str], tokeniser: Tokeniser, by: Literal["exact", "number"]) -> Judge:
    """Rewards an answer with 1 where it is right and ends, else with 0.

    Args:
        wanted: the right answer to each question.
        tokeniser: of the model.
        by: "exact": the whole text is the right one; "number": its last number is that of the right answer.
    """

    def judged(question: int, tokens: Sequence[int]) -> tuple[float, int]:
        length = through_end(tokens, tokeniser)
        text, right = answer_of(tokens[:length], tokeniser), wanted[question]
        has_end = tokeniser.decode(tokens[:length]).endswith(END)
        if by == "number":
            found, true = NUMBER.findall(text), NUMBER.findall(right)
            is_right = bool(found) and bool(true) and float(found[-1]) == float(true[-1])
        else:
            is_right = tidy(text) == right
        return float(is_right and has_end), length

    return judged
