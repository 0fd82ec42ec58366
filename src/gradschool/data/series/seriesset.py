"""What is known of a set that holds a series, beyond any set: the column, its unit and its season."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.series.csv_file import read_csv
from gradschool.data.setinfo import Contents, SetInfo


@dataclass(frozen=True, kw_only=True)
class SeriesSet(SetInfo):
    """A data set that is one CSV file.

    Args:
        target: the column that is forecast; None where only one holds numbers.
        unit: of its values, for people.
        period: steps in a season; None: as is usual for its calendar.
    """

    examples: ClassVar[str] = "values"

    target: str | None = None
    unit: str = ""
    period: int | None = None

    def contents(self, place: Path | None) -> Contents:
        """How many values there are; a run cuts them into parts."""
        assert place is not None, "a series lies in a file"
        return {"": {self.examples: len(read_csv(place, self.target).values)}}
