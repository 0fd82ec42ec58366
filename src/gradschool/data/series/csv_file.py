"""A column of numbers from a CSV file whose first column holds dates.

A line without a date or without a number is left out and counted; where that leaves a gap, the calendar
refuses it later. The separator is a comma, a semicolon or a tab; the decimal sign is a point, or a comma
where the separator is another sign.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gradschool.data.encoding import decoded
from gradschool.data.series.calendar import read_date
from gradschool.errors import UserError
from gradschool.phrases import counted, did_you_mean, nearest

WANTED = "a CSV file: dates in the first column, numbers in another"
Line = tuple[int, list[str]]  # its number in the file, its cells


@dataclass(frozen=True)
class Column:
    """Dated numbers, in order of time.

    Args:
        name: of the column.
        times: of the values.
        values: as many.
        left_out: (number of the line, reason) of every line that gave no value.
        guesses: sentences about how the file is read.
    """

    name: str
    times: Sequence[datetime]
    values: Sequence[float]
    left_out: Sequence[tuple[int, str]]
    guesses: Sequence[str] = ()

    def note(self) -> str:
        """How many lines were left out, and why the first; "" where none was."""
        if not self.left_out:
            return ""
        count, (line, why) = len(self.left_out), self.left_out[0]
        return f"{counted(count, 'line')} ({'' if count == 1 else 'the first is '}{line}: {why})"


def read_csv(path: Path, target: str | None = None) -> Column:
    """The dated numbers of a file.

    Args:
        path: of the file.
        target: name of the column to read; may be left out where only one holds numbers.

    Raises:
        UserError: it is no such file, has no dates in its first column, or several columns of numbers.
    """
    # 1. Cells; the names of the columns are the first line, unless that has a date already.
    lines, guesses = cells(path)
    has_names = read_date(lines[0][1][0]) is None
    names = lines[0][1] if has_names else ["date", *(f"column {i}" for i in range(2, 1 + len(lines[0][1])))]
    lines = lines[1:] if has_names else lines
    dated = [line for line in lines if read_date(line[1][0]) is not None]
    if 2 * len(dated) <= len(lines):
        other = next((line[1][0] for line in lines if line not in dated), "nothing")
        wanted = "dates such as 1949-01-31, or months such as 1949-01"
        raise UserError(f"the first column of {path} holds {other!r}", wanted, "Put the dates first.")
    # 2. The column, and what of each line belongs to it.
    at = chosen(names, [line for _, line in dated], target, path)
    found, left_out = [], []
    for number, line in lines:
        time, text = read_date(line[0]), line[at] if at < len(line) else ""
        value = read_number(text)
        if time is None:
            left_out.append((number, f"{line[0]!r} is no date"))
        elif value is None:
            left_out.append((number, f"{text!r} is no number"))
        else:
            found.append((time, value))
    # 3. In order of time, whatever the order of the lines.
    found.sort()
    return Column(names[at], [time for time, _ in found], [value for _, value in found], left_out, guesses)


def has_column(path: Path, name: str) -> bool:
    """Whether a file has a column of this name behind its dates."""
    return name in cells(path)[0][0][1][1:]


def cells(path: Path) -> tuple[list[Line], list[str]]:
    """The lines of a file that are not empty, cut at its separator; sentences about its encoding.

    Raises:
        UserError: it is not there, or has no two columns.
    """
    try:
        text, guesses = decoded(path.read_bytes(), path.name)
        said = re.match(r"sep=([,;\t])\r?\n", text)  # Excel's own first line
        text = text[said.end() :] if said else text
        head = text.lstrip().partition("\n")[0]
        separator = said[1] if said else max(",;\t", key=head.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        before = 1 if said else 0
        found = [
            (reader.line_num + before, [with_point(" ".join(cell.split()), separator) for cell in row])
            for row in reader if any(row)
        ]  # fmt: skip
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"{path} cannot be read ({reason})", WANTED, "Check the path.") from error
    if not found or len(found[0][1]) < 2:
        shown = "is empty" if not found else f"has one column ({found[0][1][0][:40]!r})"
        raise UserError(f"{path} {shown}", WANTED, "")
    return found, guesses


def with_point(cell: str, separator: str) -> str:
    """A number with a decimal comma in Python's form, as 1,5 and 1.234,5; any other cell as it is."""
    if separator != "," and re.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+", cell):
        return cell.replace(".", "").replace(",", ".")
    return cell


def chosen(names: Sequence[str], rows: Sequence[Sequence[str]], target: str | None, path: Path) -> int:
    """Which column is read: the one that is named, or the only one that holds numbers."""
    if target is not None:
        if target in names[1:]:
            return names.index(target, 1)
        guess = did_you_mean(f"--set target={name}" for name in nearest(target, names[1:]))
        raise UserError(f"{path} has no column {target!r}", f"one of {', '.join(names[1:])}", guess)
    numeric = [i for i in range(1, len(names)) if is_numeric([row[i] for row in rows if i < len(row)])]
    if len(numeric) != 1:
        known = ", ".join(names[i] for i in numeric)
        what = f"{path} has {len(numeric)} columns of numbers{f' ({known})' if known else ''}"
        advice = f"Name one: --set target={names[numeric[0]]}" if numeric else "Check the file."
        raise UserError(what, "one, or the name of one", advice)
    return numeric[0]


def is_numeric(texts: Sequence[str]) -> bool:
    """Whether more than half of these are numbers."""
    return 2 * sum(read_number(text) is not None for text in texts) > len(texts)


def read_number(text: str) -> float | None:
    """The finite number that a text is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
