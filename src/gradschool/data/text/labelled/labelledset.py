"""What is known of a set of labelled texts beyond any set: which columns of its table are what."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.labelled.columns import is_missing, rows_of
from gradschool.data.text.labelled.tables import read_table


@dataclass(frozen=True, kw_only=True)
class LabelledSet(SetInfo):
    """A data set of labelled texts in one table with a column of parts.

    Args:
        text: the column with the texts.
        label: the column with the labels.
        names: label to the class's name for people, for labels that are numbers.
    """

    examples: ClassVar[str] = "texts"

    text: str = "text"
    label: str = "label"
    names: Mapping[str, str] = field(default_factory=dict)

    def contents(self, place: Path | None) -> Contents:
        """How many texts of each class each part has."""
        assert place is not None, "a set of texts lies in a file"
        rows, _ = rows_of(read_table(place), self.text, self.label)
        counts: dict[str, Counter[str]] = {}
        for row in rows:
            if not is_missing(row.label):
                counts.setdefault(row.part, Counter())[self.names.get(row.label, row.label)] += 1
        return {part: dict(sorted(each.items())) for part, each in counts.items()}
