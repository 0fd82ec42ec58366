"""What a forecaster says of a file: one dated value after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.errors import UserError


@dataclass(frozen=True)
class Forecast:
    """One row of a forecast.

    Args:
        file: whose end it follows.
        date: as the series writes it.
        value: that is expected.
        unit: of the value; "" where nobody knows.
        is_alone: whether this is the only file, which then need not be named in every line.
    """

    file: Path
    date: str
    value: float
    unit: str = ""
    is_alone: bool = True

    def line(self) -> str:
        """For a terminal."""
        named = "" if self.is_alone else f"{self.file}  "
        return f"{named}{self.date}  {self.value:,.4g} {self.unit}".rstrip()

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"file": self.file, "date": self.date, "value": self.value}


def csv_files(paths: Sequence[Path]) -> list[Path]:
    """All files named, and all CSV files in the folders named, each once, in order.

    Raises:
        UserError: a path does not exist, or there is no file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist", "a CSV file or a folder of them", "Check the path.")
        found += sorted(path.rglob("*.csv")) if path.is_dir() else [path]
    if not found:
        raise UserError(f"no CSV file in {', '.join(map(str, paths))}", "files that end in .csv", "")
    return list(dict.fromkeys(found))
