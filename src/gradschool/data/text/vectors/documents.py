"""Texts as examples: whole reviews, articles or lines, each in one piece."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.splits import stratified
from gradschool.data.text.read import distinct, read_lines
from gradschool.data.text.textset import TextSet
from gradschool.errors import UserError

LEAST = 10  # different texts that can be cut into parts


@dataclass(frozen=True)
class Documents:
    """One part of a set of texts.

    Args:
        texts: no two of them alike.
    """

    texts: Sequence[str]

    @property
    def names(self) -> Sequence[str]:
        """They have none: a text is too long to be its own name."""
        return ()

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, index: Int64[Tensor, " k"]) -> "Documents":
        """The texts at `index`, in that order."""
        return replace(self, texts=[self.texts[i] for i in index.tolist()])

    def content(self) -> Sequence[bytes | memoryview]:
        """The bytes of each text."""
        return [text.encode() for text in self.texts]


def open_documents(
    name: str | Path, *, val: float = 0.0, test: float = 0.02, seed: int = 0
) -> Splits[Documents]:
    """Open a set by name, or a text file (or one in .gz) by path, one text a line.

    Args:
        name: of a set of texts, or a path.
        val: share of the remaining texts held out to choose by, 0 to below 1.
        test: share of all texts held out to test on, above 0 and below 1; the same ones for every seed.
        seed: of what is held out to choose by.

    Raises:
        UserError: it is not here, or holds too few texts.
    """
    info, place = resolve(name)
    if (info is not None and not isinstance(info, TextSet)) or place is None:
        wanted = "a set of texts such as reviews, or a text file with one text a line"
        raise UserError(f"{name} holds no texts", wanted, "Try --data FILE.txt.")
    texts, notes = distinct(read_lines(place), place.name)
    if len(texts) < LEAST:
        raise UserError(f"{place} has {len(texts)} different texts", f"{LEAST} or more, one a line", "")
    whole = Documents(texts)
    rest, tested = cut(whole, test, 0)
    train, held = cut(rest, val, seed + 1) if val else (rest, None)
    return Splits(info.name if info else place.name, train, held, tested, notes=notes)


def cut(documents: Documents, share: float, seed: int) -> tuple[Documents, Documents]:
    """Texts kept and texts held out, each in their old order."""
    kept, held = stratified(torch.zeros(len(documents), dtype=torch.int64), share, seed)
    return documents.take(kept), documents.take(held)
