"""Rows of text cells from a table: comma-, semicolon- or tab-separated values, or JSON lines.

The delimiter is the one that cuts most lines into as many cells as the first line has. Quote marks quote
where they are well formed throughout; elsewhere they are ordinary characters, since one that is never closed
would swallow every line after it. What is guessed or left out is told.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gradschool.data.text.decode import read_text
from gradschool.errors import UserError
from gradschool.phrases import counted

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
ENDINGS = (".csv", ".tsv", ".tab", *JSON_ENDINGS)
SAMPLE = 1 << 16  # characters from which the delimiter is guessed
LARGEST = 2**31 - 1  # characters in a cell; Python's csv stops at 131,072 if it is not told otherwise
TRANSLATION = "translation"  # the key under which sets of translations keep a text for each language
ALMOST_ALL = 0.99  # share of rows as wide as the first from which on quote marks are taken at their word
WANTED = "a table with a column of texts and a column of labels"


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Args:
        name: of the file.
        columns: names from its first line; () where nobody has said which line that is.
        rows: (where it stands, cells); as many cells as there are columns.
        skipped: (where it stands, reason) of every row that was left out.
        notes: sentences about what was guessed.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def is_table(name: str) -> bool:
    """Whether a file's name says that it is a table."""
    return name.lower().removesuffix(".gz").endswith(ENDINGS)


def read_table(file: Path) -> Table:
    """The rows of a file; a first line that names the columns is still among the rows of separated values.

    Raises:
        UserError: it cannot be read or holds no table.
    """
    text, notes = read_text(file)
    if not text.strip():
        raise UserError(f"{file} is empty", WANTED, "Check the file.")
    is_json = file.name.lower().removesuffix(".gz").endswith(JSON_ENDINGS)
    found = json_rows(text, file.name) if is_json else separated_rows(text, file.name)
    return Table(file.name, found.columns, found.rows, found.skipped, [*notes, *found.notes])


def separated_rows(text: str, name: str) -> Table:
    """Cells of separated values; the rows that have not as many as most are left out.

    Raises:
        UserError: the lines have one cell each.
    """
    # 1. The delimiter as Excel's first line says it (sep=;) or from a beginning of the text, then all rows,
    #    with quote marks as far as they can be trusted.
    said = re.match(r"sep=([,;|\t])(?:\r\n|\r|\n)", text)
    text = text[said.end() :] if said else text
    delimiter = said[1] if said else guessed(text[:SAMPLE])
    if delimiter is None:
        shown = text.strip().splitlines()[0][:40]
        raise UserError(
            f"{name} has one column ({shown!r})", f"{WANTED}, with commas, tabs or semicolons", ""
        )
    rows, quotes = cells(text, delimiter)
    if not rows:
        raise UserError(f"{name} has no rows", WANTED, "Check the file.")
    notes = [] if delimiter == usual(name) else [f"{name} is cut at its {DELIMITERS[delimiter]}."]
    notes += [] if quotes else [f"Quote marks in {name} do not pair: they are read as ordinary characters."]
    # 2. As many cells as the first row has, or as most have.
    width = Counter(len(row) for _, row in rows).most_common(1)[0][0]
    width = len(rows[0][1]) if sum(len(row) == len(rows[0][1]) for _, row in rows) * 2 >= len(rows) else width
    first = 1 if said else 0
    kept = [(f"{name}, line {line + first}", row) for line, row in rows if len(row) == width]
    lost = [
        (f"{name}, line {line + first}", f"{counted(len(row), 'cell')} where {width} are usual")
        for line, row in rows
        if len(row) != width
    ]
    return Table(name, (), kept, lost, notes)


def usual(name: str) -> str:
    """The delimiter that the ending of a file's name promises."""
    return "\t" if name.lower().removesuffix(".gz").endswith((".tsv", ".tab")) else ","


def guessed(sample: str) -> str | None:
    """The delimiter that cuts most lines of a sample into as many cells as its first line; None: none
    does.
    """
    best, most = None, 0.0
    for delimiter in DELIMITERS:
        rows, _ = cells(sample, delimiter)
        if not rows or (width := len(rows[0][1])) < 2:
            continue
        alike = sum(len(row) == width for _, row in rows) / len(rows)
        if alike > most:
            best, most = delimiter, alike
    return best


def cells(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], bool]:
    """(number of the last line, cells) of every row that is not empty, and whether quote marks quote."""
    # 1. Strictly: a quote mark that is not closed, or closed in the middle of a cell, is an error.
    try:
        quoted = parsed(text, delimiter, csv.QUOTE_MINIMAL)
    except csv.Error:
        quoted = []
    alike = sum(len(row) == len(quoted[0][1]) for _, row in quoted)
    if quoted and alike >= ALMOST_ALL * len(quoted):
        return quoted, True
    # 2. Else without quotes, unless that cuts fewer rows alike.
    plain = parsed(text, delimiter, csv.QUOTE_NONE)
    if '"' not in text or (quoted and alike >= sum(len(row) == len(plain[0][1]) for _, row in plain)):
        return quoted or plain, True
    return plain, False


def parsed(text: str, delimiter: str, quoting: Literal[0, 3]) -> list[tuple[int, list[str]]]:
    """The rows as Python's csv reads them; any of the three line ends ends a line."""
    csv.field_size_limit(LARGEST)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]


def json_rows(text: str, name: str) -> Table:
    """One object a line, or one list of objects; a row has a cell for every key that occurs.

    Raises:
        UserError: there is no object in it.
    """
    # 1. Objects; a line that is none is left out.
    found, lost = objects(text, name)
    if not found:
        advice = 'Example of a line: {"text": "I liked it", "label": "good"}'
        raise UserError(f"{name} holds no JSON objects", "one JSON object a line", advice)
    # 2. Languages that lie in an object of their own are columns.
    inside = sum(isinstance(each.get(TRANSLATION), dict) for _, each in found)
    told = f"In {counted(inside, 'row')} of {name} the languages in {TRANSLATION!r} are read as columns."
    found = [(place, unfolded(each)) for place, each in found]
    # 3. Cells: what a key holds as text, "" where the object has not the key or holds a list.
    columns = list(dict.fromkeys(key for _, each in found for key in each))
    nested = sum(isinstance(value, dict | list) for _, each in found for value in each.values())
    rows = [(place, [as_cell(each.get(key)) for key in columns]) for place, each in found]
    notes = [told] if inside else []
    if nested:
        said = f"{counted(nested, 'list or object', 'lists and objects')} in {name}"
        notes.append(f"{said} {'is' if nested == 1 else 'are'} read as empty.")
    return Table(name, columns, rows, lost, notes)


def unfolded(row: dict[str, object]) -> dict[str, object]:
    """{"translation": {"de": ..., "en": ...}} as {"de": ..., "en": ...}, beside what else it holds; any other
    object as it is.
    """
    inner = row.get(TRANSLATION)
    if not isinstance(inner, dict):
        return row
    return {**{key: value for key, value in row.items() if key != TRANSLATION}, **inner}


def objects(text: str, name: str) -> tuple[list[tuple[str, dict[str, object]]], list[tuple[str, str]]]:
    """(place, object) of all, and (place, reason) of what is none."""
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            values = []
        places = [(f"{name}, entry {i}", value) for i, value in enumerate(values, 1)]
    else:
        places = [(f"{name}, line {i}", line) for i, line in enumerate(lines_of(text), 1) if line.strip()]
    found, lost = [], []
    for place, value in places:
        try:
            each = json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            each = None
        if isinstance(each, dict):
            found.append((place, each))
        else:
            lost.append((place, "no JSON object"))
    return found, lost


def lines_of(text: str) -> list[str]:
    """Lines by the three usual ends: other separators of Unicode may stand inside a JSON text."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def as_cell(value: object) -> str:
    """A JSON value as the text of a cell; "" for null, lists and objects."""
    if value is None or isinstance(value, dict | list):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode("utf-8", "replace").decode()  # half a pair of UTF-16 may be escaped in JSON
