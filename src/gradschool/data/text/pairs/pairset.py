"""What is known of a set of translations beyond any set: its languages and parts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.decode import read_text
from gradschool.data.text.labelled.tables import lines_of
from gradschool.data.text.pairs.columns import Found, Pair
from gradschool.errors import UserError


@dataclass(frozen=True, kw_only=True)
class PairSet(SetInfo):
    """A set of texts in several languages: a table of tab-separated values in which nothing is quoted.

    Args:
        languages: columns with texts; the first line of the table names them.
        column: the column that says to which part a row belongs.
        parts: what the table calls the training, validation and test part; other parts are not read.
    """

    examples: ClassVar[str] = "pairs"

    languages: Sequence[str]
    column: str
    parts: Mapping[str, str]

    def contents(self, place: Path | None) -> Contents:
        """How many pairs each part has."""
        assert place is not None, "a set of translations lies in a file"
        counts = Counter(pair.part for pair in self.read(place, *self.languages[:2]).pairs)
        return {part: {self.examples: count} for part, count in counts.items()}

    def read(self, place: Path, source: str | None, target: str | None) -> Found:
        """The pairs of two of its languages; those that are not named are the first two.

        Raises:
            UserError: it has no such language, or both are the same.
        """
        # 1. The languages.
        source = source or next(each for each in self.languages if each != target)
        target = target or next(each for each in self.languages if each != source)
        if source == target or not {source, target} <= set(self.languages):
            what = f"{self.name} was asked for {source} to {target}"
            wanted = f"two of {', '.join(self.languages)}"
            raise UserError(
                what, wanted, f"Example: --set source={self.languages[1]} --set target={self.languages[0]}"
            )
        # 2. Its rows: a tab ends a cell, whatever stands in it.
        names, *rows = [line.split("\t") for line in lines_of(read_text(place)[0]) if line]
        at_part, at_source, at_target = (names.index(name) for name in (self.column, source, target))
        of_part = {name: part for part, name in self.parts.items()}
        pairs = [
            Pair(f"line {i}", of_part[row[at_part]], row[at_source], row[at_target])
            for i, row in enumerate(rows, 2)
            if row[at_part] in of_part
        ]
        return Found(pairs, languages=(source, target))
