"""Read a text file of any origin: with or without a byte-order mark, with any line ends, composed or not."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from gradschool.data.text.decode import content_of
from gradschool.errors import UserError


def read_lines(file: Path) -> list[str]:
    """Every line of a text file, packed as .gz or not, without space at its ends, as composed characters
    (Unicode's form NFC).

    Raises:
        UserError: it is a folder, it is not there, or it is no text in UTF-8.
    """
    wanted = "a text file in UTF-8, one item a line"
    try:
        text = content_of(file, wanted).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{file} is not UTF-8 (byte {error.start + 1} is {error.object[error.start]:#04x})"
        raise UserError(what, wanted, "Save it as UTF-8 in your editor.") from error
    if "\0" in text:
        raise UserError(f"{file} holds zero bytes", wanted, "Save it as UTF-8 in your editor.")
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line.strip() for line in lines[:-1] + ([lines[-1]] if lines[-1] else [])]


def distinct(lines: Sequence[str], name: str) -> tuple[list[str], list[str]]:
    """Every line once, in the order of its first occurrence, and in a sentence what was left out.

    Args:
        lines: as they stand in the file.
        name: of the file, for the sentence.
    """
    # 1. A dictionary keeps the first of equal keys, and their order.
    texts = list(dict.fromkeys(line for line in lines if line))
    # 2. What is missing now, in words.
    empty = sum(not line for line in lines)
    counts = {"empty": empty, "repeated": len(lines) - empty - len(texts)}
    told = " and ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    lines_are = "lines are" if sum(counts.values()) > 1 else "line is"
    return texts, [f"{told} {lines_are} left out of {name}."] if told else []
