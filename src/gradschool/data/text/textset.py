"""What is known of a set of lines beyond any set: how many there are."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.read import distinct, read_lines


@dataclass(frozen=True, kw_only=True)
class TextSet(SetInfo):
    """A data set of lines in one text file."""

    examples: ClassVar[str] = "lines"

    def contents(self, place: Path | None) -> Contents:
        """How many different lines there are; a run cuts them into parts."""
        assert place is not None, "a set of lines lies in a file"
        return {"": {self.examples: len(distinct(read_lines(place), self.name)[0])}}
