"""What word vectors say of the lines of text files: neighbours of a word, or answers to an analogy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.data.text.read import read_lines
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.language.scored import listed
from gradschool.runs.language.wordfacts import asked


@dataclass(frozen=True)
class Neighbours:
    """A line of a file and the best words for it."""

    file: Path
    text: str
    best: Sequence[tuple[str, float]]

    def line(self) -> str:
        """For a terminal."""
        return f"{self.text}: {', '.join(f'{word} {score:.2f}' for word, score in self.best)}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"file": self.file, "line": self.text, "words": [word for word, _ in self.best]}


def neighbours_in(
    vectors: WordVectors, files: Sequence[Path], top: int, progress: Callable[[int, int], None],
    skip: Callable[[Path, str], None],
) -> Iterator[Neighbours]:  # fmt: skip
    """Answer every line: one word asks for its neighbours, three for the fourth of an analogy.

    Args:
        vectors: of which to ask.
        files: text files, and folders whose .txt files are taken.
        top: how many answers to give.
        progress: called with (lines done, lines in all).
        skip: called with (file, reason) for each file or line that is left out.

    Raises:
        WorkFailed: no line could be answered.
    """
    # 1. All lines of all files.
    lines = []
    for file in listed(files):
        try:
            lines += [(file, text) for text in read_lines(file) if text]
        except UserError as error:
            skip(file, error.what)
    # 2. One at a time.
    answered = 0
    for done, (file, text) in enumerate(lines, 1):
        words = text.lower().split()
        if len(words) not in (1, 3):
            skip(file, f"{text!r} has {len(words)} words: one, or three of an analogy, are wanted")
            continue
        try:
            yield Neighbours(file, text, asked(vectors, words, top))
            answered += 1
        except UserError as error:
            skip(file, error.what)
        progress(done, len(lines))
    if not answered:
        raise WorkFailed("no line could be answered", "lines of one word, or of three of an analogy", "")
