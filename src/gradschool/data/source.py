"""A folder or a zip as a list of names and a way to read one: nothing is unpacked.

Names are the same on every machine: composed characters (Unicode's form NFC), slashes, and an escape in
place of a byte that is no UTF-8. What cannot be read is told, never dropped in silence.
"""

import os
import posixpath
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from gradschool.errors import UserError

JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini", ".DS_Store", ".ipynb_checkpoints", ".git", "@eaDir")
CLASSES = "a folder or zip of class folders"
CLOSED = "a folder that cannot be opened"


@dataclass(frozen=True)
class Source:
    """Where the files are.

    Args:
        path: of the folder or zip.
        names: of the files, sorted.
        read: the bytes of one by its name; several threads may call it at once.
        state: changes when any file does.
        empty: folders in which nothing lies at all.
        lost: (name, reason) of what lies there and cannot be read as a file.
        linked: folders that are links and were followed.
    """

    path: Path
    names: Sequence[str]
    read: Callable[[str], bytes]
    state: str
    empty: Sequence[str] = ()
    lost: Sequence[tuple[str, str]] = ()
    linked: Sequence[str] = ()

    def notes(self) -> list[str]:
        """Sentences about folders that are empty, were followed or could not be opened."""
        hollow = f" and {len(self.empty) - 1} more" if self.empty[1:] else ""
        told = (
            [f"Nothing lies in the folder {self.empty[0]}{hollow}: no class was made of it."]
            if self.empty
            else []
        )
        told += counted(self.linked, "linked folder is followed", "linked folders are followed")
        closed = [name for name, reason in self.lost if reason.startswith(CLOSED)]
        return told + counted(closed, "folder cannot be opened", "folders cannot be opened")


def counted(files: Sequence[str], one: str, many: str) -> list[str]:
    """A sentence with a count and the first name; [] for none."""
    if not files:
        return []
    return [f"{len(files):,} {many}; the first: {files[0]}." if files[1:] else f"1 {one}: {files[0]}."]


def open_source(path: Path) -> Source:
    """List a folder or a zip.

    Raises:
        UserError: it is neither, it is damaged or encrypted, a name in it leads out of it, or a link in it
            leads to a folder around it.
    """
    if path.is_dir():
        return open_tree(path)
    if not path.exists():
        raise UserError(f"{path} is not there", CLASSES, "Check the spelling.")
    try:
        return open_zip(path, zipfile.ZipFile(path))
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise UserError(f"{path} is not a zip, or is damaged ({error})", CLASSES, "") from error


def open_zip(path: Path, archive: zipfile.ZipFile) -> Source:
    """The files of a zip; of two with one name the last counts, as when it is unpacked."""
    # 1. Nothing that leads outside, nothing locked.
    everything = archive.infolist()
    files = [info for info in everything if not info.is_dir()]
    for info in files:
        if leads_outside(info.filename):
            inside = "names that stay inside it"
            raise UserError(f"{path} holds {info.filename!r}", inside, "Make the zip anew.")
        if info.flag_bits & 1:
            open_one, advice = "one without a password", "Unpack it and pass the folder."
            raise UserError(f"{path} is encrypted", open_one, advice)
    # 2. Each name once; folders without a file: sorted, the content of a folder comes right behind it.
    state = repr([(info.filename, info.file_size, info.CRC) for info in files])
    times = Counter(info.filename for info in files)
    raw = named({name: posixpath.normpath(name.replace("\\", "/")) for name in times})
    ordered = sorted(info.filename for info in everything)
    empty = [a for a, b in pairwise([*ordered, ""]) if a.endswith("/") and not b.startswith(a)]
    twice = wanted(composed(name) for name, count in times.items() if count > 1)
    lost = [(name, "stands in the zip more than once: the last is used") for name in twice]
    hollow = wanted(composed(name.rstrip("/")) for name in empty)
    return Source(path, wanted(raw), lambda n: archive.read(raw[n]), state, hollow, [*hidden(raw), *lost])


def open_tree(path: Path) -> Source:
    """A folder with everything below it, through links; its state is the sizes and times of its files.

    Raises:
        UserError: a link leads to a folder around it.
    """
    tree = Tree(path)
    tree.walk("", frozenset({identity(path)}))
    files = named({raw: printable(raw) for raw in tree.files})
    state = repr(sorted((name, *tree.files[raw]) for name, raw in files.items()))
    empty, linked = (sorted(printable(raw) for raw in found) for found in (tree.empty, tree.linked))
    lost = sorted((printable(raw), reason) for raw, reason in tree.lost)

    def read(name: str) -> bytes:
        return (path / files[name]).read_bytes()

    return Source(path, wanted(files), read, state, wanted(empty), [*hidden(files), *lost], wanted(linked))


@dataclass
class Tree:
    """What a walk through a folder finds; names are relative to it, as the operating system spells them."""

    root: Path
    files: dict[str, tuple[int, int]] = field(default_factory=dict)  # size, time
    empty: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def walk(self, folder: str, around: frozenset[tuple[int, int]]) -> None:
        """Look at a folder and at all below it; `around` are the folders that it lies in, and itself."""
        try:
            inside = sorted(os.scandir(self.root / folder), key=lambda entry: entry.name)
        except OSError as error:
            self.lost.append((folder or ".", f"{CLOSED}: {error.strerror}"))
            return
        if not inside:
            self.empty.append(folder)
        for entry in inside:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name in JUNK or entry.name.startswith("._"):
                continue
            try:
                found = entry.stat()
            except OSError as error:
                reason = "a link that leads nowhere" if entry.is_symlink() else f"no access: {error.strerror}"
                self.lost.append((name, reason))
                continue
            if stat.S_ISDIR(found.st_mode):
                self.enter(name, entry.is_symlink(), (found.st_dev, found.st_ino), around)
            elif stat.S_ISREG(found.st_mode):
                self.files[name] = found.st_size, found.st_mtime_ns
            else:
                self.lost.append((name, "neither a file nor a folder"))

    def enter(
        self, name: str, is_link: bool, this: tuple[int, int], around: frozenset[tuple[int, int]]
    ) -> None:
        """Go on in a folder below, unless it is one that it lies in."""
        if this in around:
            what = f"{self.root / name} is a link to a folder that it lies in"
            raise UserError(what, "links that lead elsewhere", "Take the link out.")
        if is_link:
            self.linked.append(name)
        self.walk(name, around | {this})


def identity(folder: Path) -> tuple[int, int]:
    """What tells a folder from any other, whatever it is called."""
    found = folder.stat()
    return found.st_dev, found.st_ino


def printable(name: str) -> str:
    """A name as text: an escape stands for what is no UTF-8 in it, whatever the locale."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def composed(name: str) -> str:
    """A name in Unicode's form NFC: an accented letter is one character, as most systems write it."""
    return unicodedata.normalize("NFC", name)


def named(spelt: dict[str, str]) -> dict[str, str]:
    """Name to raw name; where two are alike once composed, the later one keeps its own spelling."""
    found: dict[str, str] = {}
    for raw in sorted(spelt):
        name = composed(spelt[raw])
        found[spelt[raw] if name in found else name] = raw
    return found


def wanted(names: Iterable[str]) -> list[str]:
    """Sorted, without what operating systems and notebooks leave behind."""
    return sorted(n for n in names if not any(p in JUNK or p.startswith(".") for p in n.split("/")))


def hidden(names: Iterable[str]) -> list[tuple[str, str]]:
    """Files left out because their name, or that of a folder around, begins with a dot; no known junk."""
    found = []
    for name in sorted(names):
        parts = name.split("/")
        is_junk = any(part in JUNK or part.startswith("._") for part in parts)
        if not is_junk and any(part.startswith(".") for part in parts):
            found.append((name, "hidden: its name, or a folder's, begins with a dot"))
    return found


def leads_outside(name: str) -> bool:
    """Whether a name in an archive would be written outside of the folder it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return not parts[0] or ".." in parts or ":" in parts[0]  # /etc/passwd, ../up, C:/Windows
