"""What is known of a running text beyond any set: how many characters it has."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.text.running.running import open_running


@dataclass(frozen=True, kw_only=True)
class CorpusSet(SetInfo):
    """A data set that is one long text."""

    examples: ClassVar[str] = "characters"

    def contents(self, place: Path | None) -> Contents:
        """How many characters there are; a run cuts them into parts."""
        assert place is not None, "a running text lies in a file"
        return {"": {self.examples: len(open_running(place))}}
