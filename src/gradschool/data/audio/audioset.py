"""What is known of a set of recordings beyond any set: how its file becomes recordings."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gradschool.data.setinfo import Contents, SetInfo

if TYPE_CHECKING:
    from gradschool.data.audio.recordings import Recordings


@dataclass(frozen=True, kw_only=True)
class AudioSet(SetInfo):
    """A data set of recordings.

    Args:
        read: the set's file to all of its recordings; a run cuts them into parts.
    """

    examples: ClassVar[str] = "recordings"

    read: Callable[[Path], "Recordings"]

    def contents(self, place: Path | None) -> Contents:
        """Recordings of each class."""
        assert place is not None, "a set of recordings lies in a file"
        found = self.read(place)
        return {"": dict(Counter(found.classes[i] for i in found.labels.tolist()))}
