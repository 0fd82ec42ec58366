"""What is known of a file of word vectors beyond any set: how many words it has."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.wordvectors import WordVectors


@dataclass(frozen=True, kw_only=True)
class VectorSet(SetInfo):
    """Vectors of words in one file."""

    examples: ClassVar[str] = "words"

    def contents(self, place: Path | None) -> Contents:
        """How many words have a vector."""
        assert place is not None, "vectors lie in a file"
        return {"": {self.examples: len(WordVectors.load(place))}}
