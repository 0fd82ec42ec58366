"""Any folder or zip of class folders as a data set; nothing is unpacked, and one bad file never ends a run.

Layouts: class folders; train and test (and val) folders of class folders; or a csv with columns file and
label or class, and perhaps split. Files that cannot be used are left out and listed with the reason.
"""

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch

from gradschool.data.cache import remembered
from gradschool.data.decode import ENDINGS, Unreadable, decoded
from gradschool.data.images import Images, Splits
from gradschool.data.splits import cut
from gradschool.errors import UserError

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test", "val": "val",
         "valid": "val", "validation": "val"}  # fmt: skip
JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
TABLES = ("index.csv", "labels.csv")


@dataclass(frozen=True)
class Source:
    """Where the files are: their names, a way to read one, and a text that changes when any of them does."""

    path: Path
    names: Sequence[str]
    read: Callable[[str], bytes]
    state: str


@dataclass(frozen=True)
class Entry:
    """An image file with its class and its part ("" where the layout names none)."""

    name: str
    label: str
    part: str


def open_source(path: Path) -> Source:
    """List a folder or a zip.

    Raises:
        UserError: it is neither, it is damaged or encrypted, or a name in it leads out of it.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        names = [p.relative_to(path).as_posix() for p in files]
        stats = [
            (name, *(lambda s: (s.st_size, s.st_mtime_ns))(p.stat()))
            for name, p in zip(names, files, strict=True)
        ]
        return Source(path, wanted(names), lambda name: (path / name).read_bytes(), repr(stats))
    if not path.exists():
        raise UserError(f"{path} is not there", "a folder or zip of class folders", "Check the spelling.")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(
            f"{path} is not a zip, or is damaged ({error})", "a folder or zip of class folders", ""
        ) from error
    infos = [info for info in archive.infolist() if not info.is_dir()]
    for info in infos:
        if (
            info.filename.startswith(("/", "\\"))
            or ".." in PurePosixPath(info.filename.replace("\\", "/")).parts
        ):
            raise UserError(
                f"{path} holds {info.filename!r}", "names that stay inside it", "Make the zip anew."
            )
        if info.flag_bits & 1:
            raise UserError(
                f"{path} is encrypted", "one without a password", "Unpack it and pass the folder."
            )
    state = repr([(info.filename, info.file_size, info.CRC) for info in infos])
    return Source(path, wanted([info.filename for info in infos]), archive.read, state)


def wanted(names: Sequence[str]) -> list[str]:
    """Without what operating systems leave behind."""
    return sorted(n for n in names if not any(part in JUNK or part.startswith("._") for part in n.split("/")))


def entries(source: Source) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Every image with its class and part, and what had to be left out with the reason.

    Raises:
        UserError: there is no image in a class folder.
    """
    tables = [name for name in source.names if PurePosixPath(name).name in TABLES]
    found, skipped = from_table(source, tables[0]) if tables else (None, [])
    if found is None:
        images = [name for name in source.names if name.lower().endswith(ENDINGS)]
        found, stray = from_folders(images)
        skipped = [(name, "not in a class folder") for name in stray]
    if not found:
        kind = (
            "no files" if not source.names else f"{len(source.names)} files, none an image in a class folder"
        )
        raise UserError(f"{source.path} has {kind}", "a folder for each class with its images in it", "")
    return found, skipped


def from_folders(names: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """Class and part from the path: [anything/][train|test|val/]class/[anything/]file."""
    split = [PurePosixPath(name).parts for name in names]
    # 1. Folders that all files share say nothing; a part's folder among them does.
    depth = 0
    while split and all(len(p) > depth + 2 and p[depth] == split[0][depth] for p in split):
        if split[0][depth].lower() in PARTS:
            break
        depth += 1
    # 2. The next folder is the part, where it bears a part's name; the one after it is the class.
    found, stray = [], []
    has_parts = any(len(p) > depth + 1 and p[depth].lower() in PARTS for p in split)
    for name, parts in zip(names, split, strict=True):
        part = PARTS.get(parts[depth].lower(), "") if has_parts and len(parts) > depth + 1 else ""
        place = depth + 1 if part else depth
        if len(parts) < place + 2 or (has_parts and not part):
            stray.append(name)
        else:
            found.append(Entry(name, parts[place], part))
    return found, stray


def from_table(source: Source, table: str) -> tuple[list[Entry] | None, list[tuple[str, str]]]:
    """Class and part from a csv; None if it has no column for file and class (then it is some other table).

    Raises:
        UserError: a row has no class.
    """
    rows = list(csv.DictReader(io.StringIO(source.read(table).decode("utf-8-sig", "replace"))))
    columns = {name.strip().lower(): name for name in (rows[0] if rows else {}) if name}
    file = next((columns[n] for n in ("file", "filename", "path", "image") if n in columns), None)
    label = next((columns[n] for n in ("class", "label", "category") if n in columns), None)
    if file is None or label is None:
        return None, []
    part = next((columns[n] for n in ("split", "part", "subset") if n in columns), None)
    root, have = PurePosixPath(table).parent, set(source.names)
    found, skipped = [], []
    for number, row in enumerate(rows, start=2):
        name = (root / (row[file] or "")).as_posix()
        if not (row[label] or "").strip():
            raise UserError(
                f"{table}, line {number}: {row[file]} has no {label}", "a class for every file", ""
            )
        if name not in have:
            skipped.append((name, f"named in {table}, but not there"))
            continue
        by_folder = from_folders([name])[0] if part is None else []
        known = PARTS.get((row[part] or "").lower(), "") if part else next((e.part for e in by_folder), "")
        top = PurePosixPath(row[file]).parts[0].lower()
        found.append(Entry(name, row[label].strip(), known or PARTS.get(top, "")))
    return found, skipped


def decode_all(source: Source, found: Sequence[Entry], size: int | None) -> dict[str, np.ndarray]:
    """Decode every entry; threads suffice, because the decoder lets go of Python's lock."""

    def one(entry: Entry) -> np.ndarray | str:
        try:
            return decoded(source.read(entry.name), size)
        except Unreadable as reason:
            return str(reason)
        except (OSError, zipfile.BadZipFile, RuntimeError) as error:
            return f"could not be read ({error})"

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = list(pool.map(one, found))
    good = [(i, r) for i, r in enumerate(results) if not isinstance(r, str)]
    bad = [(found[i].name, r) for i, r in enumerate(results) if isinstance(r, str)]
    # Images of one size stay as they are; others meet at 64 pixels unless a size is asked for.
    if size is None and len({r.shape[:2] for _, r in good}) > 1:
        return decode_all(source, found, 64)
    channels = 1 if good and all(r.shape[2] == 1 for _, r in good) else 3
    shape = (len(good), channels, *(good[0][1].shape[:2] if good else (0, 0)))
    pixels = np.empty(shape, np.uint8)
    for row, (_, image) in enumerate(good):
        pixels[row] = image.transpose(2, 0, 1)  # a grey image fills all three channels
    text = "\n".join(f"{name}\t{reason}" for name, reason in bad)
    return {
        "pixels": pixels,
        "kept": np.array([i for i, _ in good], np.int64),
        "bad": np.frombuffer(text.encode() or b"\n", np.uint8),
    }


def open_folder(path: Path, size: int | None = None, val: float = 0.1, seed: int = 0) -> Splits:
    """A folder or zip of class folders as three parts.

    Args:
        path: the folder or zip.
        size: side to which images are decoded; None keeps it where all agree, else 64.
        val: share of the training images held out where the layout has no validation part, 0 to below 1.
        seed: of what is held out.

    Raises:
        UserError: nothing to train on, fewer than two classes, or a class with a single image and no test
            part.
    """
    # 1. List, then decode or find decoded.
    source = open_source(path)
    found, skipped = entries(source)
    labels = [entry.label for entry in found]
    key = hashlib.sha256(f"{source.state}|{size}|{labels}|2".encode()).hexdigest()[:24]
    arrays = remembered(key, lambda: decode_all(source, found, size))
    bad = [tuple(line.split("\t", 1)) for line in bytes(arrays["bad"]).decode().strip().split("\n") if line]
    kept = [found[i] for i in arrays["kept"]]
    if not kept:
        first = f" ({bad[0][0]}: {bad[0][1]})" if bad else ""
        raise UserError(f"none of the {len(found)} images in {path} could be read{first}", "images", "")
    # 2. Classes in the order of their names; every class needs an image.
    classes = tuple(sorted({entry.label for entry in kept}))
    if classes and all(name.isdigit() for name in classes):
        classes = tuple(sorted(classes, key=int))
    if len(classes) < 2:
        raise UserError(f"{path} has one class ({classes[0]})", "two or more class folders", "")
    place = {name: i for i, name in enumerate(classes)}
    whole = Images(
        torch.from_numpy(arrays["pixels"]), torch.tensor([place[e.label] for e in kept]), classes,
        [e.name for e in kept],
    )  # fmt: skip
    parts = in_parts(whole, [entry.part for entry in kept], val, seed)
    lost = sorted({entry.label for entry in found} - set(classes))
    notes = [f"Class {name} has no readable image and is left out." for name in lost]
    counts = whole.labels.bincount()
    notes += [f"Class {classes[i]} has a single image." for i in (counts == 1).nonzero().flatten().tolist()]
    everything = [*skipped, *[(name, reason) for name, reason in bad]]
    return Splits(path.stem, *parts, everything, notes)


def in_parts(
    whole: Images, parts: Sequence[str], val: float, seed: int
) -> tuple[Images, Images | None, Images]:
    """Training, validation and test part; what the layout does not name is held out, a fifth for testing.

    Raises:
        UserError: the training part is empty, or too small to hold anything out.
    """
    index = {
        p: torch.tensor([i for i, q in enumerate(parts) if q == p], dtype=torch.int64) for p in set(parts)
    }
    train = index.get("train", index.get("", torch.zeros(0, dtype=torch.int64)))
    if not len(train):
        raise UserError("the training part has no images", "some in train/<class>/", "")
    rest, test = whole.take(train) if len(train) < len(whole) else whole, None
    if "test" in index:
        test = whole.take(index["test"])
    else:
        rest, test = cut(rest, 0.2, seed)
    if test is None:
        raise UserError(
            f"{len(whole)} images are too few", "two or more in a class, to train on and to test on", ""
        )
    if "val" in index:
        return rest, whole.take(index["val"]), test
    rest, held = cut(rest, val, seed + 1)
    return rest, held, test
