"""What is known of a set of pictures beyond any set: its classes, and how its files become pixels."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gradschool.data.cache import Arrays, Room, remembered
from gradschool.data.setinfo import Contents, SetInfo
from gradschool.data.source import Source, open_source
from gradschool.data.vision.layouts import Listing, entries

Parts = dict[str, tuple[NDArray[np.uint8], NDArray[np.int64] | NDArray[np.uint8]]]
"""Part ("train", "test") to pixels (n, c, h, w) uint8 and labels (n,), or masks (n, 1, h, w) uint8."""

PARTS = "train", "val", "test"


@dataclass(frozen=True, kw_only=True)
class PictureSet(SetInfo):
    """A data set of pictures.

    Args:
        classes: names in label order; () where the folders name them.
        read: folder of the files to parts; None for folders of images, which are opened as such.
        layout: for folders of images, which class and part each belongs to.
        has_masks: every pixel has a class, not every picture.
    """

    examples: ClassVar[str] = "images"

    classes: Sequence[str] = ()
    read: Callable[[Path], Parts] | None = None
    layout: Callable[[Source], Listing] = entries
    has_masks: bool = False

    def arrays(self, place: Path | None) -> Parts:
        """The pixels and labels, decoded at most once for the same files."""
        read = self.read
        assert read is not None, "a set of image files is opened as a folder"
        if place is None:
            return read(Path())
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        stats = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]
        key = f"{self.name}-{hashlib.sha256(repr(stats).encode()).hexdigest()[:16]}"

        def build(room: Room) -> Arrays:
            found: Arrays = {}
            for part, (pixels, labels) in read(place).items():
                found |= {f"{part}-x": pixels, f"{part}-y": labels}
            return found

        found = remembered(key, build)
        parts = dict.fromkeys(name.split("-")[0] for name in sorted(found))
        return {part: (found[f"{part}-x"], found[f"{part}-y"]) for part in parts}  # type: ignore[misc]

    def contents(self, place: Path | None) -> Contents:
        """Images of each class in each part, without decoding a file; "" is the part where none is named."""
        found: dict[str, Counter[str]] = {}
        if self.read is None and place is not None:
            for entry in self.layout(open_source(place)).found:
                found.setdefault(entry.part, Counter())[entry.label] += 1
            return {part: dict(sorted(found[part].items())) for part in ("", *PARTS) if part in found}
        parts = self.arrays(place)
        known = {part: parts[part] for part in PARTS if part in parts}
        if self.has_masks:
            return {part: {"pictures with masks": len(pixels)} for part, (pixels, _) in known.items()}
        for part, (_, labels) in known.items():
            found[part] = Counter(self.classes[i] for i in labels.tolist())
        return {part: dict(sorted(counts.items())) for part, counts in found.items()}
