"""A table of pictures and their classes: labels.csv, index.csv, or any csv that names the pictures.

Commas, semicolons or tabs; with or without a byte-order mark, in UTF-8, UTF-16 or Windows' Latin-1; with or
without names of columns, endings and folders of the files. What is guessed is told.
"""

import csv
import io
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from gradschool.data.source import Source, composed
from gradschool.errors import UserError

FIRST = ("labels.csv", "index.csv", "labels.tsv", "index.tsv")  # names of a table that go before folders
COLUMNS = {
    "class": ("class", "label", "category", "breed", "species", "target", "class_name", "classname"),
    "split": ("split", "part", "subset"),
    "file": ("file", "filename", "file_name", "path", "filepath", "image", "img", "id", "image_id", "name"),
}
PARTS = ("train", "training", "val", "valid", "validation", "test")  # names of tables, each of one part


@dataclass(frozen=True)
class Row:
    """A picture with its class and part; None where the table does not speak of parts."""

    file: str
    label: str
    part: str | None


@dataclass(frozen=True)
class Sheet:
    """What a table, or one for each part, says of the pictures."""

    name: str
    rows: Sequence[Row]
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    files: Sequence[str] = field(default_factory=tuple)  # the tables that were read


def is_table(name: str) -> bool:
    """Whether a file's ending is that of a table."""
    return name.lower().endswith((".csv", ".tsv"))


def chosen(source: Source, images: Sequence[str], by_name_only: bool) -> Sheet | None:
    """The table that gives the pictures their classes; None where there is none.

    Args:
        source: where it lies.
        images: names of the pictures.
        by_name_only: there are class folders as well, so only a file called labels.csv or index.csv counts.

    Raises:
        UserError: the table cannot be read, or a row has no class or another than the row before.
    """
    every = [name for name in source.names if is_table(name)]
    first = [n for end in FIRST for n in every if n.lower().rpartition("/")[2] == end][:1]
    if by_name_only and not first:
        return None
    places = Places(images)
    read = {name: sheet for name in first or every if (sheet := read_sheet(source, name, places))}
    read = {name: sheet for name, sheet in read.items() if sheet.rows or first}
    if not read:
        return None
    by_part = {name: sheet for name, sheet in read.items() if stem(name) in PARTS}
    if len(by_part) < 2 or not any(stem(name).startswith("train") for name in by_part):
        return next(iter(read.values()))
    rows = [Row(row.file, row.label, stem(name)) for name, sheet in by_part.items() for row in sheet.rows]
    every_skipped = [pair for sheet in by_part.values() for pair in sheet.skipped]
    notes = list(dict.fromkeys(note for sheet in by_part.values() for note in sheet.notes))
    return Sheet(
        " or ".join(by_part), once(rows, " and ".join(by_part), notes), every_skipped, notes, tuple(by_part)
    )


def stem(name: str) -> str:
    """A file's name without folders and ending, in lower case."""
    return PurePosixPath(name).stem.lower()


def read_rows(source: Source, table: str) -> list[list[str]]:
    """All rows of a table, the names of its columns first.

    Raises:
        UserError: it is no table.
    """
    text = composed(decoded(source.read(table)))
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except csv.Error as error:
        raise UserError(
            f"{table} cannot be read ({error})", "a csv with columns file and class", ""
        ) from error
    return rows or [[]]


def decoded(content: bytes) -> str:
    """The text of a file whatever a spreadsheet saved it as."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


class Places:
    """Pictures by what a table may call them: path, path without ending, or name alone if that is unique."""

    def __init__(self, images: Sequence[str]) -> None:
        self.exact = set(images)
        self.loose: dict[str, list[str]] = {}
        for name in images:
            bare, _, _ = name.rpartition(".")
            last = name.rpartition("/")[2]
            for spelling in {bare, last, last.rpartition(".")[0]}:
                self.loose.setdefault(spelling, []).append(name)

    def find(self, text: str, table: str) -> list[str]:
        """The pictures that a cell of a table may mean: beside it first, then in a folder of its name."""
        text = text.replace("\\", "/")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(table), text))
        if beside in self.exact:
            return [beside]
        bare = self.loose.get(beside) or self.loose.get(posixpath.normpath(text).rpartition("/")[2], [])
        own = [name for name in bare if stem(table) in name.lower().split("/")[:-1]]
        return own or bare


def read_sheet(source: Source, table: str, places: Places) -> Sheet | None:
    """What a table says; None where its columns are not those of pictures and classes."""
    header, *rows = read_rows(source, table)
    columns, notes = columns_of(header, rows, table, places)
    if not {"file", "class"} <= columns.keys():
        return None
    if "" in columns:  # the first line is a picture's
        rows = [header, *rows]
    found, skipped = [], []
    for number, row in enumerate(rows, start=1 if "" in columns else 2):
        cells = {what: row[place] if place < len(row) else "" for what, place in columns.items() if what}
        file, label = cells["file"], cells["class"]
        if not any(row):
            continue
        if not file:
            skipped.append((f"{table}, line {number}", "names no file"))
            continue
        if not label:
            raise UserError(f"{table}, line {number}: {file} has no class", "a class for every file", "")
        meant = places.find(file, table)
        if len(meant) == 1:
            found.append(Row(meant[0], label, cells.get("split")))
        else:
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(table), file.replace("\\", "/")))
            why = (
                f"named in {table}, and there are {len(meant)} such files"
                if meant
                else f"named in {table}, but not there"
            )
            skipped.append((beside, why))
    return Sheet(table, once(found, table, notes), skipped, notes, (table,))


def columns_of(
    header: Sequence[str], rows: Sequence[Sequence[str]], table: str, places: Places
) -> tuple[dict[str, int], list[str]]:
    """Which column holds file, class and split ("" is a key if there is no header), and what was guessed."""
    have = {name.lower(): place for place, name in enumerate(header)}
    found = {what: have[name] for what, names in COLUMNS.items() for name in reversed(names) if name in have}
    if len(header) == 2 and "file" not in found and places.find(header[0], table) and header[0]:
        return {"file": 0, "class": 1, "": 0}, [
            f"{table} has no names of columns: file and class are supposed."
        ]
    rest = [place for place in range(len(header)) if place not in found.values()]
    if "file" in found and "class" not in found and len(rest) == 1 and header[rest[0]]:
        found["class"] = rest[0]
        return found, [f"The class of a picture is column {header[rest[0]]} of {table}."]
    return found, []


def once(rows: Sequence[Row], table: str, notes: list[str]) -> list[Row]:
    """Each picture once; what was named twice is told in `notes`.

    Raises:
        UserError: one has two classes or is in two parts.
    """
    found: dict[str, Row] = {}
    for row in rows:
        before = found.setdefault(row.file, row)
        if before.label != row.label:
            what = f"{table} gives {row.file} the classes {before.label} and {row.label}"
            raise UserError(what, "one class for every file", "Leave one of the two lines out.")
        if before.part != row.part:
            raise UserError(f"{table} puts {row.file} into {before.part} and {row.part}", "one part", "")
    if len(found) < len(rows):
        notes.append(f"{len(rows) - len(found):,} lines of {table} repeat an earlier one.")
    return list(found.values())
