"""What is known of a set of running text beyond any set: how many words it has."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.setinfo import Contents, SetInfo


@dataclass(frozen=True, kw_only=True)
class ProseSet(SetInfo):
    """Running text in a file, or in the .txt and .md files of a folder."""

    examples: ClassVar[str] = "words"
    prose: ClassVar[bool] = True

    def contents(self, place: Path | None) -> Contents:
        """How many words there are; a run cuts them into parts."""
        # Late, as listing the sets must not load torch.
        from gradschool.data.text.labelled.opentagged import sequences

        assert place is not None, "a text lies in a file or folder"
        return {"": {self.examples: sum(len(words) for words, _ in sequences(place)[0])}}
