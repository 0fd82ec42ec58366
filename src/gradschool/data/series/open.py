"""Open a series by the name of its set, or from a person's CSV file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.series.calendar import regular
from gradschool.data.series.csv_file import Column, read_csv
from gradschool.data.series.series import Series
from gradschool.data.series.seriesset import SeriesSet
from gradschool.errors import UserError


@dataclass(frozen=True)
class Opened:
    """A series with the name of its set or file, where that lies, and what a person should know."""

    name: str
    series: Series
    file: Path
    notes: Sequence[str]


def open_series(name: str, target: str | None = None, period: int | None = None) -> Opened:
    """The series of a set or of a file.

    Args:
        name: of a set, or the path of a CSV file.
        target: the column; None: the set's own, or the only one of the file that holds numbers.
        period: steps in a season; None: the set's own, or as is usual for the calendar.

    Raises:
        UserError: there is neither, it is no series, or a date is missing.
    """
    info, place = resolve(name)
    if info is None:
        assert place is not None, "what is no set is a path"
        series, column = read_series(place, target, period)
        return Opened(place.stem, series, place, told(place, column))
    if not isinstance(info, SeriesSet):
        wanted = "a set of this kind, or a CSV file with dates in its first column"
        what = f"{info.name} ({info.title}) holds no series"
        raise UserError(what, wanted, "Example: --data airline, or --data FILE.csv")
    assert place is not None, "a series lies in a file"
    series, column = read_series(place, target or info.target, period or info.period, info.unit)
    return Opened(info.name, series, place, told(place, column))


def told(file: Path, column: Column) -> list[str]:
    """What was guessed and what was left out, as sentences, if anything was."""
    note = column.note()
    return [*column.guesses, *([f"{file.name}: left out {note}."] if note else [])]


def read_series(
    file: Path, target: str | None = None, period: int | None = None, unit: str = ""
) -> tuple[Series, Column]:
    """The series of a CSV file, and the column as it was read; arguments as above."""
    column = read_csv(file, target)
    step, times = regular(column.times, file.name)
    values = torch.tensor(column.values, dtype=torch.float64)
    return Series(column.name, values, times, step, period or step.season, unit), column
