"""The record that classifiers of text are handed: one part of a set, each text with its class."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int64
from torch import Tensor

SHOWN = 32  # characters of a text that stand in its name


@dataclass(frozen=True)
class LabelledTexts:
    """One part of a set of texts.

    Args:
        texts: as they were read; no two of a set are alike.
        labels: (n,), index into classes.
        classes: their names, in label order; those of the whole set.
        members: the name of the group of each text, "" for a text by itself; empty where there are no groups.
    """

    texts: Sequence[str]
    labels: Int64[Tensor, " n"]
    classes: Sequence[str]
    members: Sequence[str] = ()

    @cached_property
    def names(self) -> Sequence[str]:
        """A text is its own name, shortened: it is known again wherever in its file it stands."""
        return [named(text) for text in self.texts]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, index: Int64[Tensor, " k"]) -> "LabelledTexts":
        """The texts at `index`, in that order."""
        places = index.tolist()
        members = [self.members[i] for i in places] if self.members else ()
        return LabelledTexts([self.texts[i] for i in places], self.labels[index], self.classes, members)

    @property
    def groups(self) -> Int64[Tensor, " n"]:
        """The number of each text's group; those of one group are in one part and one fold."""
        keys = [name or i for i, name in enumerate(self.members or [""] * len(self))]
        seen: dict[str | int, int] = {}
        return torch.tensor([seen.setdefault(key, len(seen)) for key in keys], dtype=torch.int64)

    def joined(self, others: Sequence["LabelledTexts"], classes: Sequence[str] | None) -> "LabelledTexts":
        """These and the others as one part; labels count `classes`, its own where they are None."""
        parts, wanted = (self, *others), tuple(classes or self.classes)
        kept = [[i for i, label in enumerate(p.labels.tolist()) if p.classes[label] in wanted] for p in parts]
        texts = [part.texts[i] for part, index in zip(parts, kept, strict=True) for i in index]
        labels = [
            wanted.index(part.classes[int(part.labels[i])])
            for part, index in zip(parts, kept, strict=True)
            for i in index
        ]
        members = [
            (p.members or [""] * len(p))[i] for p, index in zip(parts, kept, strict=True) for i in index
        ]
        known = torch.tensor(labels, dtype=torch.int64)
        return LabelledTexts(texts, known, wanted, members if any(members) else ())

    def content(self) -> Sequence[bytes | memoryview]:
        """The class and the text of each, as bytes."""
        names = [self.classes[label] for label in self.labels.tolist()]
        return [f"{name}\0{text}".encode() for name, text in zip(names, self.texts, strict=True)]


def named(text: str) -> str:
    """The beginning of a text and a digest of all of it."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{' '.join(text.split())[:SHOWN]} #{digest}"
