"""Texts of a folder in passages, short enough to be read for an answer and marked with where they stand."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import regex

from gradschool.data.text.decode import read_text
from gradschool.errors import UserError

WORD = re.compile(r"\w+")
SENTENCE_END = regex.compile(r"""[.!?]["'”’)]*(?=\s+["'“‘(]*\p{Lu})""")
ENDINGS = (".txt", ".md")


@dataclass(frozen=True)
class Passage:
    """A piece of a file.

    Args:
        file: where it stands.
        line: number of its first line, from 1.
        text: as it is in the file, lines joined by spaces.
    """

    file: Path
    line: int
    text: str


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return WORD.findall(text.lower())


def sentences_of(text: str) -> list[str]:
    """The sentences of a text: up to a full stop, question or exclamation mark before a capital letter."""
    ends = [0, *(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    parts = (text[start:end].strip() for start, end in pairwise(ends))
    return [part for part in parts if part]


def passages_of(text: str, file: Path, most: int = 120) -> Iterator[Passage]:
    """Cut a text at blank lines, and longer paragraphs between sentences.

    Args:
        text: of a file.
        file: its path.
        most: words of a passage; a longer sentence stays in one piece.
    """
    # 1. Paragraphs, with the lines in which their words stand.
    paragraph: list[tuple[int, str]] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            paragraph.append((number, line.strip()))
            continue
        # 2. Sentences are added up as long as there is room.
        yield from pieces(paragraph, file, most)
        paragraph = []


def pieces(paragraph: list[tuple[int, str]], file: Path, most: int) -> Iterator[Passage]:
    """The passages of one paragraph, given as numbered lines."""
    joined = " ".join(line for _, line in paragraph)
    starts, at = [], 0
    for number, line in paragraph:
        starts.append((at, number))
        at += len(line) + 1
    held: list[str] = []
    begin = place = 0
    for sentence in sentences_of(joined):
        here = joined.index(sentence, place)
        place = here + len(sentence)
        if held and len(words_of(" ".join([*held, sentence]))) > most:
            yield Passage(file, max(n for at, n in starts if at <= begin), " ".join(held))
            held = []
        begin = begin if held else here
        held.append(sentence)
    if held:
        yield Passage(file, max(n for at, n in starts if at <= begin), " ".join(held))


def read_passages(places: Iterable[Path], most: int = 120) -> list[Passage]:
    """The passages of text files, and of all .txt and .md files in folders.

    Raises:
        UserError: there is no text.
    """
    files = [
        file
        for place in places
        for file in (sorted(place.rglob("*")) if place.is_dir() else [place])
        if not place.is_dir() or (file.is_file() and file.suffix.lower() in ENDINGS)
    ]
    found = [
        passage for file in dict.fromkeys(files) for passage in passages_of(read_text(file)[0], file, most)
    ]
    if not found:
        raise UserError("there is no text to look in", f"files that end in {' or '.join(ENDINGS)}")
    return found
