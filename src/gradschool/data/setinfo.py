"""What is known of a data set: its names, licence, and files with checksums; a wing adds how it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

Contents = dict[str, dict[str, int]]
"""Part to class to count."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a set at its source.

    Args:
        name: as it lies on the disk.
        url: where it comes from; npm:NAME@VERSION is brought by npm.
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
        licence: as its source states it.
        source: page to cite.
        files: what is fetched; () for a set that comes with a package or only in a pack.
        packs: paths inside a data pack at which the set may lie.
        places: further folders or files on this machine at which it may lie; what comes with this package
            names its own file.
        package: Debian's package of it, which puts it at the first of the places.
        aliases: other names.
        build: makes the set of its fetched files: (folder where they lie, file to write). Where they are not
            what was published, it raises ValueError with the reason.
        needs: (package, part) that `build` imports, where the base has it not.
        made: name of the file that `build` writes; a pack holds the same file.
    """

    examples: ClassVar[str] = "examples"  # what they are called; a wing says so

    name: str
    title: str
    licence: str
    source: str
    files: Sequence[RemoteFile] = ()
    packs: Sequence[str] = ()
    places: Sequence[str] = ()
    package: str = ""
    aliases: Sequence[str] = ()
    build: Callable[[Path, Path], None] | None = None
    needs: tuple[str, str] | None = None
    made: str = ""

    def contents(self, place: Path | None) -> Contents:
        """How many examples of each class, or of each sort, each part has; `place` is where the set lies."""
        raise NotImplementedError

    @property
    def size(self) -> int | None:
        """Bytes to fetch, or None if its source does not state them all."""
        sizes = [file.size for file in self.files]
        return None if not sizes or None in sizes else sum(filter(None, sizes))
