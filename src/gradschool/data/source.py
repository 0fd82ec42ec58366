"""A folder or a zip as a list of names and a way to read one: nothing is unpacked."""

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gradschool.errors import UserError

JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")  # beside all names that begin with a dot


@dataclass(frozen=True)
class Source:
    """Where the files are: their names, a way to read one, and a text that changes when any of them does.

    `empty` names the folders in which nothing lies at all.
    """

    path: Path
    names: Sequence[str]
    read: Callable[[str], bytes]
    state: str
    empty: Sequence[str] = ()


def open_source(path: Path) -> Source:
    """List a folder or a zip; several threads may read at once.

    Raises:
        UserError: it is neither, it is damaged or encrypted, or a name in it leads out of it.
    """
    if path.is_dir():
        return open_tree(path)
    if not path.exists():
        raise UserError(f"{path} is not there", "a folder or zip of class folders", "Check the spelling.")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"{path} is not a zip, or is damaged ({error})", "a folder or zip of class folders", ""
        ) from error
    everything = archive.infolist()
    infos = [info for info in everything if not info.is_dir()]
    for info in infos:
        if leads_outside(info.filename):
            raise UserError(
                f"{path} holds {info.filename!r}", "names that stay inside it", "Make the zip anew."
            )
        if info.flag_bits & 1:
            raise UserError(
                f"{path} is encrypted", "one without a password", "Unpack it and pass the folder."
            )
    state = repr([(info.filename, info.file_size, info.CRC) for info in infos])
    names = sorted(info.filename for info in everything)
    # In this order the content of a folder comes right behind it.
    empty = [a for a, b in pairwise([*names, ""]) if a.endswith("/") and not b.startswith(a)]
    found = wanted([info.filename for info in infos])
    return Source(path, found, archive.read, state, wanted([name.rstrip("/") for name in empty]))


def open_tree(path: Path) -> Source:
    """A folder with everything below it; its state is the sizes and times of its files."""
    stats, empty = [], []
    for folder, below, files in os.walk(path):
        if not below and not files:
            empty.append(Path(folder).relative_to(path).as_posix())
        below[:] = wanted(below)
        for name in wanted(files):
            file = Path(folder, name)
            if file.is_file():  # not a link to nowhere, not a pipe
                found = file.stat()
                stats.append((file.relative_to(path).as_posix(), found.st_size, found.st_mtime_ns))
    stats.sort()
    names = [name for name, _, _ in stats]
    return Source(path, names, lambda name: (path / name).read_bytes(), repr(stats), sorted(empty))


def wanted(names: Sequence[str]) -> list[str]:
    """Sorted, without what operating systems and notebooks leave behind."""
    return sorted(n for n in names if not any(p in JUNK or p.startswith(".") for p in n.split("/")))


def leads_outside(name: str) -> bool:
    """Whether a name in an archive would be written outside of the folder it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return not parts[0] or ".." in parts or ":" in parts[0]  # /etc/passwd, ../up, C:/Windows
