"""The record that fine-tuning is handed: one part of a set of dialogues, each with its answers."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from jaxtyping import Int64
from torch import Tensor

Role = Literal["system", "user", "assistant"]
SHOWN = 32  # characters of a question that stand in a name


@dataclass(frozen=True)
class Turn:
    """What one side says."""

    role: Role
    text: str


@dataclass(frozen=True)
class Dialogue:
    """Questions and answers in turn; the last turn is an answer.

    Args:
        turns: at least a question and an answer.
        rejected: another answer in place of the last one, which people liked less; None: there is none.
    """

    turns: Sequence[Turn]
    rejected: str | None = None

    @property
    def question(self) -> str:
        """What was asked last."""
        return self.turns[-2].text

    @property
    def before(self) -> tuple[str, ...]:
        """All that was said before the last answer: what makes two questions the same."""
        return tuple(turn.text for turn in self.turns[:-1])

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.turns[-1].text

    def with_answer(self, text: str) -> "Dialogue":
        """The same with another last answer."""
        return Dialogue([*self.turns[:-1], Turn("assistant", text)])

    def content(self) -> bytes:
        """All that is said, as bytes."""
        said = [[turn.role, turn.text] for turn in self.turns]
        return json.dumps([said, self.rejected]).encode()


@dataclass(frozen=True)
class Dialogues:
    """One part of a set of dialogues.

    Args:
        items: no two of a set are alike.
    """

    items: Sequence[Dialogue]

    @cached_property
    def names(self) -> Sequence[str]:
        """The beginning of each question and a digest of the whole dialogue."""
        digests = [hashlib.blake2b(each.content(), digest_size=6).hexdigest() for each in self.items]
        starts = [" ".join(each.question.split())[:SHOWN] for each in self.items]
        return [f"{start} #{digest}" for start, digest in zip(starts, digests, strict=True)]

    def __len__(self) -> int:
        return len(self.items)

    def take(self, index: Int64[Tensor, " k"]) -> "Dialogues":
        """The dialogues at `index`, in that order."""
        return Dialogues([self.items[i] for i in index.tolist()])

    def joined(self, others: Sequence["Dialogues"], classes: Sequence[str] | None) -> "Dialogues":
        """These and the others as one part; dialogues have no classes."""
        return replace(self, items=[each for part in (self, *others) for each in part.items])

    def content(self) -> Sequence[bytes | memoryview]:
        """The bytes of each dialogue."""
        return [each.content() for each in self.items]
