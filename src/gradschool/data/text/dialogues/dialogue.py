"""What two sides say to each other: questions and answers in turn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


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
