"""A run of supervised fine-tuning: a language model learns to answer as dialogues do."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.text.dialogues.dialogues import Dialogues
from gradschool.data.text.dialogues.rows import AnswerRows
from gradschool.data.text.dialogues.template import MARKS
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.engine.device import Machine
from gradschool.evals.metric import Metric
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.language.tuning.run import KL, LOSS, RIGHT, TuningRun
from gradschool.runs.request import Request
from gradschool.runs.run import Run, share_of_processes
from gradschool.tasks.sft import Sft


@dataclass(frozen=True, kw_only=True)
class AnswersRun(TuningRun):
    """Supervised fine-tuning (SFT) on questions with answers, or on messages in turn.

    The loss counts the tokens of the answers only. Several dialogues share a row and do not see each other;
    `batch_size` counts rows.
    """

    kind: ClassVar[str] = "fine_tuned"
    title: ClassVar[str] = "a language model fine-tuned on answers"
    metrics: ClassVar[tuple[Metric, ...]] = (RIGHT, LOSS, KL)

    base: LanguageRun | None = None
    """Settings of the language model that is trained first where no start is named."""

    def stage_before(self) -> tuple[Run, str] | None:
        """The language model."""
        return None if self.base is None else (self.base, "arithmetic_base")

    def notes(self) -> list[str]:
        """How a dialogue is read."""
        template = " ".join(f"{MARKS[role]}..." for role in ("user", "assistant"))
        return [f"Template: {template} with an empty line after each turn; the loss counts answers alone."]

    def task(self, model: nn.Module, splits: Splits[Dialogues], held_out: str) -> Sft:
        """Cross-entropy of the answers' tokens."""
        return Sft(model, held_out)

    def loader(
        self, splits: Splits[Dialogues], pipeline: Tokeniser, request: Request, machine: Machine
    ) -> Any:
        """Packed rows in a new order every epoch; processes share every batch."""
        return AnswerRows(self.rows(splits.train), self.batch_size, request.seed, share_of_processes())
