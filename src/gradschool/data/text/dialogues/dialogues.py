"""The record that fine-tuning is handed: one part of a set of dialogues, each with its answers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import Int64
from torch import Tensor

from gradschool.data.text.dialogues.dialogue import Dialogue

SHOWN = 32  # characters of a question that stand in a name


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
