"""What is known of a set of dialogues beyond any set: how many each part has."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.dialogues.read import read_dialogues


@dataclass(frozen=True, kw_only=True)
class DialogueSet(SetInfo):
    """A data set of dialogues in a file of JSON lines."""

    examples: ClassVar[str] = "dialogues"

    def contents(self, place: Path | None) -> Contents:
        """How many dialogues each part has."""
        assert place is not None, "a set of dialogues lies in a file"
        counts = Counter(row.part for row in read_dialogues(place).rows)
        return {part: {self.examples: count} for part, count in counts.items()}
