"""Which class and which part a file belongs to, from its folders or from a table.

Layouts: class folders; train and test (and val) folders of class folders; or a csv (labels.csv, index.csv)
with columns file and class or label, and perhaps split.
"""

import csv
import io
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gradschool.data.source import Source
from gradschool.data.vision.decode import ENDINGS
from gradschool.errors import UserError
from gradschool.phrases import counted

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test", "val": "val",
         "valid": "val", "validation": "val", "dev": "val"}  # fmt: skip
TABLES = ("labels.csv", "index.csv")
COLUMNS = {
    "file": ("file", "filename", "path", "image"),
    "class": ("class", "label", "category"),
    "split": ("split", "part", "subset"),
}


@dataclass(frozen=True)
class Entry:
    """An image file with its class and its part ("" where the layout names none)."""

    name: str
    label: str
    part: str


Listing = tuple[list[Entry], list[tuple[str, str]]]
"""The images that are to be read, and (file, reason) of those left out."""


def entries(source: Source) -> Listing:
    """Every image with its class and part.

    Raises:
        UserError: there is no image in a class folder, or a table's row has no class.
    """
    images = [name for name in source.names if name.lower().endswith(ENDINGS)]
    foreign = [(n, "of a kind that is not read: make it a JPEG") for n in source.names if is_foreign(n)]
    table = next((n for end in TABLES for n in source.names if n.split("/")[-1] == end), None)
    header, *rows = read_table(source, table) if table else [[]]
    columns = named_columns(header)
    if table and "file" in columns and "class" in columns:
        found, skipped = whole(*from_table(table, rows, columns, images))
        return found, skipped + foreign
    found, stray = from_folders(images)
    if found:
        return found, [(name, "not in a class folder") for name in stray] + foreign
    if table:
        have = f"the columns {', '.join(header)}" if header else "no columns"
        wanted = "columns file and class (or label), and perhaps split"
        raise UserError(f"{table} has {have}", wanted, "Or put the images of each class in a folder.")
    kind = (
        "no files"
        if not source.names
        else f"{counted(len(source.names), 'file')}, none an image in a class folder"
    )
    kind += f" ({foreign[0][0]} is {foreign[0][1]})" if foreign else ""
    raise UserError(f"{source.path} has {kind}", "a folder for each class with its images in it", "")


def is_foreign(name: str) -> bool:
    """Whether a file is a picture in a format that the decoder lacks."""
    return name.lower().endswith((".heic", ".heif", ".avif", ".svg", ".psd", ".dng", ".cr2", ".nef"))


def whole(found: list[Entry], skipped: list[tuple[str, str]]) -> Listing:
    """Where some files are in a part, those in none are left out."""
    if any(entry.part for entry in found):
        skipped = skipped + [(entry.name, "in none of the parts") for entry in found if not entry.part]
        found = [entry for entry in found if entry.part]
    return found, skipped


def from_folders(names: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """Class and part from the path: [anything/][train|test|val/]class/[anything/]file."""
    split = [name.split("/") for name in names]
    # 1. A folder that holds all the others says nothing.
    depth = 0
    while len({p[depth] for p in split if len(p) > depth + 1}) == 1 and max(map(len, split)) > depth + 2:
        depth += 1
    # 2. The next one is the part, where it bears a part's name and holds folders; then comes the class.
    parts = part_folders({p[depth] for p in split if len(p) > depth + 2})
    place = depth + 1 if parts else depth
    found, stray = [], []
    for name, p in zip(names, split, strict=True):
        if len(p) < place + 2 or (parts and p[depth] not in parts):
            stray.append(name)
        else:
            found.append(Entry(name, p[place], parts.get(p[depth], "")))
    return found, stray


def part_folders(names: set[str]) -> dict[str, str]:
    """Folder to part, if there is one to train on: train and test, or PetsTrain and PetsTest; else {}."""
    exact = {name: PARTS[name.lower()] for name in names if name.lower() in PARTS}
    if "train" in exact.values():
        return exact
    words = {name: re.findall("[A-Z]?[a-z]+|[A-Z]+", name) for name in names}
    loose = {n: PARTS.get(w[-1].lower()) or PARTS.get(w[0].lower()) for n, w in words.items() if w}
    known = {name: part for name, part in loose.items() if part}
    whole_layout = len(known) == len(names) == len(set(known.values())) > 1
    return known if whole_layout and "train" in known.values() else {}


def read_table(source: Source, table: str) -> list[list[str]]:
    """A csv's header and rows; commas or semicolons, with or without a byte-order mark."""
    text = source.read(table).decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    return list(csv.reader(io.StringIO(text), delimiter=delimiter)) or [[]]


def named_columns(header: Sequence[str]) -> dict[str, int]:
    """Which of a table's columns holds file, class and split, under any of their usual names."""
    have = {name.strip().lower(): place for place, name in enumerate(header)}
    return {what: have[name] for what, names in COLUMNS.items() for name in reversed(names) if name in have}


def from_table(
    table: str, rows: Sequence[Sequence[str]], columns: dict[str, int], images: Sequence[str]
) -> Listing:
    """Class and part of the images a table names; parts come from the folders where it has no column.

    Raises:
        UserError: a row has no class.
    """
    root, have = posixpath.dirname(table), set(images)
    by_folder = {entry.name: entry.part for entry in from_folders(images)[0]}
    found, skipped = [], []
    for number, row in enumerate(rows, start=2):
        cells = {what: row[place].strip() if place < len(row) else "" for what, place in columns.items()}
        file, label = cells["file"], cells["class"]
        name = posixpath.normpath(posixpath.join(root, file.replace("\\", "/")))
        if not any(row):
            continue  # an empty line
        if not file:
            skipped.append((f"{table}, line {number}", "names no file"))
        elif not label:
            raise UserError(f"{table}, line {number}: {file} has no class", "a class for every file", "")
        elif name not in have:
            skipped.append((name, f"named in {table}, but not there"))
        elif "split" in cells:
            found.append(Entry(name, label, PARTS.get(cells["split"].lower(), "")))
        else:
            found.append(Entry(name, label, by_folder.get(name, "")))
    return found, skipped
