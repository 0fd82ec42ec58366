"""Running text of any origin: one file or a folder of them, in any common encoding, read in blocks.

Nothing is held in memory but one block, so that a text may be larger than memory, and all of it may be one
line. What was guessed or changed is told; what is no text is refused.
"""

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradschool.data.encoding import MARKS
from gradschool.data.source import counted
from gradschool.errors import UserError

BLOCK = 1 << 20  # characters that are read at once
BETWEEN = "\n\n"  # stands between two files
GUESSES = ("utf-8", "cp1252", "latin-1")  # Latin-1 gives every byte a character
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
MOST_CONTROLS = 1e-3  # share of control characters above which a file is no text
WANTED = "a plain text file, or a folder of .txt files"
BEGINS_WORD = re.compile(r"\s(?=\S)")


@dataclass(frozen=True)
class Document:
    """One file of text.

    Args:
        path: a file, gzipped where it ends in .gz.
        encoding: as Python calls it.
        characters: how many there are, once every line ends in one line feed.
        alphabet: the different ones among them.
        digest: SHA-256 of its UTF-8 bytes.
        line_ends: those that were found.
    """

    path: Path
    encoding: str
    characters: int
    alphabet: frozenset[str]
    digest: str
    line_ends: Sequence[str]

    def open(self) -> io.TextIOWrapper:
        """The file as text."""
        return opened(self.path, self.encoding)


@dataclass(frozen=True)
class Running:
    """All files as one text, in the order of their names, with an empty line between two.

    Args:
        documents: at least one, none of them empty.
        skipped: (file, reason) of each that was left out.
        notes: sentences that a person should read.
    """

    documents: Sequence[Document]
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def __len__(self) -> int:
        """Characters."""
        between = len(BETWEEN) * (len(self.documents) - 1)
        return between + sum(document.characters for document in self.documents)

    @property
    def alphabet(self) -> list[str]:
        """All different characters, by code point."""
        between = BETWEEN if self.documents[1:] else ""
        return sorted(frozenset(between).union(*(document.alphabet for document in self.documents)))

    @property
    def digest(self) -> str:
        """Tells this text from every other."""
        return hashlib.sha256("".join(document.digest for document in self.documents).encode()).hexdigest()

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """The characters from `start` to before `stop`, cut only where a word begins, if one does."""
        return before_words(between(self.pieces(), start, len(self) if stop is None else stop))

    def pieces(self) -> Iterator[str]:
        """The whole text as it is read."""
        for index, document in enumerate(self.documents):
            if index:
                yield BETWEEN
            with document.open() as file:
                while block := file.read(BLOCK):
                    yield block


def open_running(path: Path) -> Running:
    """Look through a text file, or through all .txt files of a folder.

    Raises:
        UserError: there is no text.
    """
    # 1. Which files.
    files, notes = text_files(path) if path.is_dir() else ([path], [])
    skipped: list[tuple[str, str]] = []
    documents: list[Document] = []
    # 2. Each once; one that cannot be read is told, and refused where it is the only one.
    for file in files:
        try:
            documents.append(looked_through(file))
        except UserError as error:
            if not path.is_dir():
                raise
            skipped.append((str(file.relative_to(path)), error.what.removeprefix(f"{file} ")))
    if not documents:
        raise UserError(f"{path} holds no .txt file with text in it", WANTED)
    if documents[1:]:
        notes.append(f"{len(documents):,} files are one text here, with an empty line between two.")
    return Running(documents, skipped, [*notes, *told(documents)])


def text_files(folder: Path) -> tuple[list[Path], list[str]]:
    """The .txt files below a folder by name, and a sentence about the others."""
    inside = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    files = [file for file in inside if file.name.lower().endswith((".txt", ".txt.gz"))]
    others = [str(file.relative_to(folder)) for file in inside if file not in set(files)]
    return files, counted(others, "file is no .txt and left out", "files are no .txt and left out")


def looked_through(path: Path) -> Document:
    """Read a file once from beginning to end: its encoding, and what it consists of.

    Raises:
        UserError: it cannot be read, is empty, or is no text.
    """
    try:
        with binary(path) as file:
            head = file.read(BLOCK)
        mark = next((encoding for bom, encoding in MARKS.items() if head.startswith(bom)), None)
        for encoding in (mark,) if mark else GUESSES:
            try:
                return measured(path, encoding)
            except UnicodeDecodeError as error:
                reason = f"byte {error.start + 1} of a block is {error.object[error.start]:#04x}"
    except (OSError, EOFError, zlib.error) as error:
        problem = getattr(error, "strerror", None) or error
        raise UserError(f"{path} cannot be read ({problem})", WANTED, "Check the path.") from error
    raise UserError(f"{path} begins as {mark} and goes on as something else ({reason})", WANTED)


def measured(path: Path, encoding: str) -> Document:
    """What a file consists of in this encoding.

    Raises:
        UnicodeDecodeError: it is in another.
        UserError: it is empty, or is no text.
    """
    characters = controls = 0
    alphabet: set[str] = set()
    digest = hashlib.sha256()
    with opened(path, encoding) as file:
        while block := file.read(BLOCK):
            if "\0" in block:
                place = characters + block.index("\0") + 1
                advice = "Save it as UTF-8 text in your editor."
                raise UserError(f"{path} holds NUL bytes (the first at {place:,}): no text", WANTED, advice)
            characters += len(block)
            alphabet |= set(block)
            controls += len(CONTROLS.findall(block))
            digest.update(block.encode("utf-8", "surrogatepass"))
        ends = file.newlines or ()
    if not characters:
        raise UserError(f"{path} is empty", WANTED)
    if controls > MOST_CONTROLS * characters:
        raise UserError(
            f"{path} is a binary file ({controls:,} control character{'s' * (controls > 1)})", WANTED
        )
    line_ends = (ends,) if isinstance(ends, str) else ends
    return Document(path, encoding, characters, frozenset(alphabet), digest.hexdigest(), line_ends)


def binary(path: Path) -> io.BufferedIOBase:
    """The bytes of a file, unpacked where it is gzipped."""
    return gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")


def opened(path: Path, encoding: str) -> io.TextIOWrapper:
    """A file as text whose lines all end in one line feed."""
    return io.TextIOWrapper(binary(path), encoding=encoding)  # type: ignore[arg-type]


def told(documents: Sequence[Document]) -> list[str]:
    """Sentences about encodings that were guessed and line ends that were changed."""
    names = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}
    notes = []
    for encoding, name in names.items():
        files = [str(d.path.name) for d in documents if d.encoding == encoding]
        notes += counted(
            files, f"file is no UTF-8 and was read as {name}, a guess",
            f"files are no UTF-8 and were read as {name}, a guess",
        )  # fmt: skip
    changed = [d.path.name for d in documents if set(d.line_ends) - {"\n"}]
    one, many = "file has line ends of Windows or old Macs", "files have line ends of Windows or old Macs"
    return notes + counted(changed, f"{one}: read as \\n", f"{many}: read as \\n")


def between(pieces: Iterable[str], start: int, stop: int) -> Iterator[str]:
    """The characters from `start` to before `stop` of a text in pieces."""
    place = 0
    for piece in pieces:
        if place >= stop:
            return
        kept = piece[max(0, start - place) : stop - place]
        place += len(piece)
        if kept:
            yield kept


def before_words(pieces: Iterable[str]) -> Iterator[str]:
    """The same text, cut before a single space or line end that a word follows; where a piece has none, it
    is joined to the next, up to eight blocks.

    A tokeniser that takes a space and the word behind it as one piece then finds in the parts what it
    finds in the whole.
    """
    rest = ""
    for piece in pieces:
        rest += piece
        if len(rest) < BLOCK:
            continue
        cut = last_word(rest) or (len(rest) if len(rest) >= 8 * BLOCK else 0)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def last_word(text: str) -> int:
    """Where the last word of a text begins, the space before it included; 0 where there is none."""
    for end in (1 << 10, len(text)):
        found = [match.start() for match in BEGINS_WORD.finditer(text, max(0, len(text) - end))]
        if found:
            return found[-1]
    return 0
