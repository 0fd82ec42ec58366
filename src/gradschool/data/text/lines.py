"""The record that tasks on lines of text are handed: one part of a set, each line an example."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Int64
from torch import Tensor

from gradschool.data.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Lines:
    """One part of a set of lines.

    Args:
        texts: the lines, no two of them alike.
        vocabulary: the characters of the whole set, as the parts of a set of pictures share their classes.
    """

    texts: Sequence[str]
    vocabulary: Vocabulary

    @property
    def names(self) -> Sequence[str]:
        """A line is its own name: it occurs once, wherever in its file it stands."""
        return self.texts

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, index: Int64[Tensor, " k"]) -> "Lines":
        """The lines at `index`, in that order."""
        return replace(self, texts=[self.texts[i] for i in index.tolist()])

    def joined(self, others: Sequence["Lines"], classes: Sequence[str] | None) -> "Lines":
        """These and the others as one part; lines have no classes."""
        return replace(self, texts=[text for part in (self, *others) for text in part.texts])

    def content(self) -> Sequence[bytes | memoryview]:
        """The bytes of each line."""
        return [text.encode() for text in self.texts]
