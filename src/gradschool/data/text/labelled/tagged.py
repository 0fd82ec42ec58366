"""Sequences of words with a label for each word, from a file of two columns, JSON lines, or any plain text.

Of a plain text the labels are what it lost when its capitals and punctuation marks were taken away, so that a
network can learn to put them back. Source: Tilk and Alumäe 2016, "Bidirectional recurrent network with
attention mechanism for punctuation restoration" (the task).
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.text.labelled.tables import lines_of
from gradschool.errors import UserError
from gradschool.phrases import counted

OUTSIDE = "O"  # nothing special: a word outside of any span, a lower-case word without a mark behind it
TITLE, UPPER = "Aa", "AA"
MARKS = ".,?!;:"
PIECE = re.compile(rf"[^\W_]+(?:['’\-][^\W_]+)*|[{MARKS}]")
WINDOW = 40  # words of a plain text that are one example; sentences begin anywhere in it
Pairs = list[tuple[list[str], list[str]]]


@dataclass(frozen=True)
class TaggedTexts:
    """One part of a set of sequences.

    Args:
        words: of each sequence.
        tags: as many for each, index into classes.
        classes: names of the labels, in order; those of the whole set.
    """

    words: Sequence[Sequence[str]]
    tags: Sequence[Sequence[int]]
    classes: Sequence[str]

    @cached_property
    def names(self) -> Sequence[str]:
        """The first words of each, a digest and, for those that are alike, a number."""
        seen: dict[str, int] = {}
        found = []
        for each in self.content():
            name = hashlib.blake2b(bytes(each), digest_size=6).hexdigest()
            seen[name] = seen.get(name, 0) + 1
            found.append(f"#{name}" if seen[name] == 1 else f"#{name}, {seen[name]}")
        return found

    def __len__(self) -> int:
        return len(self.words)

    def take(self, index: Int64[Tensor, " k"]) -> "TaggedTexts":
        """The sequences at `index`, in that order."""
        chosen = index.tolist()
        return TaggedTexts([self.words[i] for i in chosen], [self.tags[i] for i in chosen], self.classes)

    def content(self) -> Sequence[bytes | memoryview]:
        """Words and labels of each."""
        pairs = zip(self.words, self.tags, strict=True)
        return [json.dumps([list(w), [self.classes[t] for t in tags]]).encode() for w, tags in pairs]


def stripped(text: str) -> tuple[list[str], list[str]]:
    """The words of a text in lower case without punctuation, and for each what it lost: its capitals
    ("Aa", "AA") and the mark behind it; "O" for nothing.
    """
    words: list[str] = []
    tags: list[str] = []
    for piece in PIECE.findall(text):
        if piece in MARKS:
            if tags and tags[-1][-1] not in MARKS:
                tags[-1] = piece if tags[-1] == OUTSIDE else tags[-1] + piece
            continue
        form = UPPER if piece.isupper() and len(piece) > 1 else TITLE if piece[:1].isupper() else OUTSIDE
        words.append(piece.lower())
        tags.append(form)
    return words, tags


def restored(words: Sequence[str], tags: Sequence[str]) -> str:
    """The text of words and of what they lost."""
    found = []
    for word, tag in zip(words, tags, strict=True):
        mark = tag[-1] if tag[-1] in MARKS else ""
        form = tag.removesuffix(mark) if mark else tag
        found.append(
            (word.upper() if form == UPPER else word[:1].upper() + word[1:] if form == TITLE else word) + mark
        )
    return " ".join(found)


def windows(text: str) -> Pairs:
    """A plain text in windows of words with what they lost."""
    words, tags = stripped(text)
    return [(words[i : i + WINDOW], tags[i : i + WINDOW]) for i in range(0, len(words), WINDOW)]


def columns(text: str, name: str) -> tuple[Pairs, list[str]]:
    """Sequences of a file with a word and its label on each line, with a blank line between sequences.

    The label is the last of the columns, which are cut at tabs or spaces (the form of CoNLL).
    """
    found: Pairs = [([], [])]
    bad = 0
    for line in lines_of(text):
        cells = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or cells[0] == "-DOCSTART-":
            found.append(([], []))
        elif len(cells) < 2 or not cells[0].strip() or not cells[-1].strip():
            bad += 1
        else:
            found[-1][0].append(cells[0].strip())
            found[-1][1].append(cells[-1].strip())
    notes = [f"{counted(bad, 'line')} of {name} without a word and a label left out."] if bad else []
    return [pair for pair in found if pair[0]], notes


def json_sequences(text: str, name: str) -> tuple[Pairs, list[str]]:
    """Sequences of JSON lines with a list of words and a list of labels that is as long."""
    found: Pairs = []
    bad = 0
    for line in filter(str.strip, lines_of(text)):
        try:
            each = json.loads(line)
            words = next(each[key] for key in ("words", "tokens") if key in each)
            tags = next(each[key] for key in ("labels", "tags", "ner_tags") if key in each)
            fits = isinstance(words, list) and isinstance(tags, list) and 0 < len(words) == len(tags)
        except (ValueError, TypeError, StopIteration, RecursionError):
            fits = False
        if fits:
            found.append(([str(word) for word in words], [str(tag) for tag in tags]))
        else:
            bad += 1
    notes = [f"{counted(bad, 'line')} of {name} without as many words as labels left out."] if bad else []
    return found, notes


def collected(pairs: Pairs, name: str, least: int) -> TaggedTexts:
    """All sequences, with their labels by number.

    Raises:
        UserError: there are fewer than `least`, or there is one label only.
    """
    classes = sorted({tag for _, tags in pairs for tag in tags}, key=lambda tag: (tag != OUTSIDE, tag))
    if len(pairs) < least or len(classes) < 2:
        what = f"{name} has {counted(len(pairs), 'sequence')} with {counted(len(classes), 'label')}"
        raise UserError(what, f"{least} sequences or more, with two labels", "")
    place = {tag: i for i, tag in enumerate(classes)}
    tags = [torch.tensor([place[tag] for tag in each]).tolist() for _, each in pairs]
    return TaggedTexts([words for words, _ in pairs], tags, tuple(classes))
