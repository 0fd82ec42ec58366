"""Grid worlds as a data set: a drawing in a text file, found by the set's name or by the file's path."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gradschool.data.catalogue import resolve
from gradschool.data.setinfo import Contents, SetInfo
from gradschool.errors import UserError
from gradschool.rl.drawing import EXAMPLE, KINDS, read_drawing


@dataclass(frozen=True, kw_only=True)
class GridSet(SetInfo):
    """A grid world."""

    examples: ClassVar[str] = "cells"

    def contents(self, place: Path | None) -> Contents:
        """How many cells of each kind it has; a grid world has no parts."""
        assert place is not None, "the drawing lies beside the record"
        count = Counter("".join(read_drawing(place)))
        return {"": {f"{kind} ({sign})": count[sign] for sign, kind in KINDS.items() if count[sign]}}


def open_grid(name: str | Path) -> tuple[str, tuple[str, ...]]:
    """A grid world's name and its drawing.

    Args:
        name: of a set, or the path of a text file.

    Raises:
        UserError: there is neither, or it holds no grid world.
    """
    wanted = "cliff_walk, four_rooms, or a text file with a drawing of your own"
    if Path(name).suffix == ".txt" and not Path(name).expanduser().exists():
        raise UserError(f"there is no file {name}", wanted, EXAMPLE)
    info, place = resolve(name)
    if info is not None and not isinstance(info, GridSet):
        raise UserError(f"{info.name} ({info.title}) holds no grid world", wanted, EXAMPLE)
    assert place is not None, "a grid world's drawing lies somewhere"
    return (info.name if info else place.name), read_drawing(place)
