"""Cut a text into chunks that no token crosses, and count the chunks of a text of any length.

Sources: GPT-2's pattern, Radford et al. 2019, section 2.2; GPT-4's as tiktoken published it first. A chunk is
about a word with the space before it, so a corpus has far fewer different chunks than chunks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import regex

from gradschool.errors import UserError

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
PIECE = 1 << 20  # characters of a file that are held at a time


@lru_cache(maxsize=32)
def splitter(pattern: str) -> Callable[[str], list[str]]:
    """The function that cuts a text into the chunks of a pattern.

    Args:
        pattern: a regular expression of the package `regex`, without groups that capture, that leaves out
            no character of any text.

    Raises:
        UserError: it is no regular expression, or has such groups; and, from the function, it leaves out
            a part of a text, which would be lost.
    """
    wanted = "a regular expression without groups that capture"
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise UserError(f"the split pattern {pattern!r} cannot be read ({error})", wanted) from error
    if compiled.groups:
        raise UserError(f"the split pattern {pattern!r} has groups", wanted, "Write (?:...) for (...).")

    def split(text: str) -> list[str]:
        chunks: list[str] = compiled.findall(text)
        if sum(map(len, chunks)) != len(text):
            what = f"the split pattern {pattern!r} leaves out a part of the text"
            raise UserError(what, "a pattern that covers every character", r"Add |\s+|\S at its end.")
        return chunks

    return split


def count_chunks(texts: Iterable[str], pattern: str = GPT2) -> Counter[str]:
    """How often each chunk occurs. What is held is one text and the different chunks.

    Args:
        texts: read once, one after the other.
        pattern: cuts a text into chunks.
    """
    # 1. A text's chunks are counted and forgotten.
    counts: Counter[str] = Counter()
    split = splitter(pattern)
    for text in texts:
        counts.update(split(text))
    return counts


def pieces_of(file: Path, size: int = PIECE) -> Iterator[str]:
    """A text file in pieces, cut where no chunk of GPT-2's or GPT-4's pattern is: before the end of a line
    that ends in a letter or a digit.

    Args:
        file: a text in UTF-8; ends of lines stay as they are.
        size: characters that are read at a time, >= 1; a piece is longer where there is no such place.

    Raises:
        UserError: it cannot be read, or is no text in UTF-8.
    """
    held = ""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            while read := opened.read(size):
                held += read
                # 1. The last place where it can be cut.
                at = held.rfind("\n")
                while at > 0 and not held[at - 1].isalpha():
                    at = held.rfind("\n", 0, at)
                # 2. What is before it is a piece; the rest waits for what follows.
                if at > 0:
                    yield held[:at]
                    held = held[at:]
    except UnicodeDecodeError as error:
        what = f"{file} is not UTF-8 ({error.object[error.start]:#04x} is in it)"
        raise UserError(what, "a text file in UTF-8", "Save it as UTF-8 in your editor.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror})", "a text file", "") from error
    if held:
        yield held
