"""The record that translators are handed: one part of a set, each text with its translation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import Int64
from torch import Tensor

from gradschool.data.text.labelled.labelled import named


@dataclass(frozen=True)
class TextPairs:
    """One part of a set of pairs.

    Args:
        sources: texts that are read.
        targets: their translations, one each.
        languages: what the two columns are called, e.g. ("de", "en").
    """

    sources: Sequence[str]
    targets: Sequence[str]
    languages: tuple[str, str]

    @cached_property
    def names(self) -> Sequence[str]:
        """A pair is its own name, shortened: it is known again wherever in its file it stands."""
        return [named(f"{s}\t{t}") for s, t in zip(self.sources, self.targets, strict=True)]

    def __len__(self) -> int:
        return len(self.sources)

    def take(self, index: Int64[Tensor, " k"]) -> "TextPairs":
        """The pairs at `index`, in that order."""
        chosen = index.tolist()
        return TextPairs([self.sources[i] for i in chosen], [self.targets[i] for i in chosen], self.languages)

    def joined(self, others: Sequence["TextPairs"], classes: Sequence[str] | None) -> "TextPairs":
        """These and the others as one part; pairs have no classes."""
        parts = (self, *others)
        sources = [text for part in parts for text in part.sources]
        return replace(self, sources=sources, targets=[text for part in parts for text in part.targets])

    def content(self) -> Sequence[bytes | memoryview]:
        """Both texts of each, as bytes."""
        return [f"{s}\0{t}".encode() for s, t in zip(self.sources, self.targets, strict=True)]
