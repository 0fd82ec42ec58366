"""Read a file of text, packed or not, in whatever encoding it is."""

import gzip
import json
import zlib
from pathlib import Path

from gradschool.data.encoding import decoded
from gradschool.errors import UserError


def read_text(file: Path) -> tuple[str, list[str]]:
    """The text of a file, unpacked where its name ends in .gz, and sentences about what was guessed.

    Raises:
        UserError: it cannot be read, or is no gzip file in spite of its name.
    """
    return decoded(content_of(file), file.name)


def content_of(file: Path, wanted: str = "a text file") -> bytes:
    """The bytes of a file, unpacked where its name ends in .gz.

    Raises:
        UserError: it cannot be read, or is no gzip file in spite of its name; `wanted` is named.
    """
    try:
        raw = file.read_bytes()
        return gzip.decompress(raw) if file.suffix.lower() == ".gz" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{file} is damaged ({error})", wanted, "Copy it again.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror})", wanted, "Check the path.") from error


def json_fault(error: ValueError | RecursionError) -> str:
    """Why a text is no JSON, for a sentence: where it stops being any, where that is known."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, character {error.colno} ({error.msg.lower()})"
    return "too many brackets inside each other" if isinstance(error, RecursionError) else str(error)
