"""What is known of a data set: its names, classes, licence, files with checksums, and how to read it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.data.source import Source
from gradschool.data.vision.layouts import Listing, entries

Parts = dict[str, tuple[NDArray[np.uint8], NDArray[np.int64] | NDArray[np.uint8]]]
"""Part ("train", "test") to pixels (n, c, h, w) uint8 and labels (n,), or masks (n, 1, h, w) uint8."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a set at its source.

    Args:
        name: as it lies on the disk.
        url: where it comes from.
        size: bytes; None where the source does not say.
        checksum: "md5:..." or "sha256:..."; None where the source publishes none: then only the size and the
            content are checked.
    """

    name: str
    url: str
    size: int | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class SetInfo:
    """One data set.

    Args:
        name: as people type it.
        title: one line.
        classes: names in label order; () where the folders name them.
        licence: as its source states it.
        source: page to cite.
        files: what is fetched; () for a set that comes with a package or only in a pack.
        read: folder of the files to parts; None for folders of images, which are opened as such.
        packs: paths inside a data pack at which the set may lie.
        places: further folders on this machine at which it may lie.
        package: Debian's package of it, which puts it at the first of the places.
        aliases: other names.
        layout: for folders of images, which class and part each belongs to.
        has_masks: every pixel has a class, not every picture.
    """

    name: str
    title: str
    classes: Sequence[str]
    licence: str
    source: str
    files: Sequence[RemoteFile] = ()
    read: Callable[[Path], Parts] | None = None
    packs: Sequence[str] = ()
    places: Sequence[str] = ()
    package: str = ""
    aliases: Sequence[str] = ()
    layout: Callable[[Source], Listing] = entries
    has_masks: bool = False

    @property
    def size(self) -> int | None:
        """Bytes to fetch, or None if its source does not state them all."""
        sizes = [file.size for file in self.files]
        return None if not sizes or None in sizes else sum(filter(None, sizes))
