"""Any folder or zip of class folders as a data set; nothing is unpacked, and one bad file never ends a run.

Images are decoded once into the cache and mapped from there; files that cannot be used are left out and
listed with the reason.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data.cache import Arrays, Room, remembered
from gradschool.data.examples import Splits
from gradschool.data.source import Source, open_source
from gradschool.data.splits import cut
from gradschool.data.vision.decode import Unreadable, decoded_and_told
from gradschool.data.vision.images import I, Images
from gradschool.data.vision.layouts import Entry, Listing, entries
from gradschool.errors import UserError

BLOCK = 256  # images in memory at a time while decoding
VERSION = 5  # of how files become pixels: part of every key in the cache
FALLBACK = 64  # pixels a side, where images differ in size and none is asked for


@dataclass(frozen=True)
class Form:
    """What all images of a set have in common: side (None: as they are) and channels, 1 or 3."""

    side: int | None
    channels: int


def decode_all(source: Source, found: Sequence[Entry], size: int | None, room: Room) -> Arrays:
    """Decode every entry: grey and as large as it is, until an image that comes says otherwise.

    Returns:
        "pixels" (a row for each readable entry, then zeros), "kept" (which entries these are), "bad" and
        "changed" (lines "file, tab, what was wrong or changed").
    """
    form: Form | None = Form(size, 1)
    while form is not None:
        last = form
        rows, bad, changed, form = decode_as(source, found, form, room)
    good = [i for i in range(len(found)) if i not in bad]
    pixels = rows if rows is not None else np.zeros((0, last.channels, 1, 1), np.uint8)
    return {
        "pixels": pixels,
        "kept": np.array(good, np.int64),
        "bad": written(found, bad),
        "changed": written(found, changed),
    }


def written(found: Sequence[Entry], told: dict[int, str]) -> NDArray[np.uint8]:
    """What is told of entries as the bytes of lines, so that the cache can hold it."""
    lines = "\n".join(f"{found[i].name}\t{words}" for i, words in told.items())
    return np.frombuffer(lines.encode() or b"\n", np.uint8)


def read(lines: NDArray[np.generic]) -> list[tuple[str, str]]:
    """What `written` wrote: file and words."""
    cut_up = (line.partition("\t") for line in bytes(lines).decode().strip("\n").split("\n"))
    return [(file, words) for file, _, words in cut_up if file]


def or_reason(decode: Callable[[], tuple[NDArray[np.uint8], str]]) -> tuple[NDArray[np.uint8], str] | str:
    """An image and what was changed, or why it cannot be used."""
    try:
        return decode()
    except Unreadable as reason:
        return str(reason)
    except Exception as error:  # damage inside a zip raises whatever comes: zlib.error, EOFError ...
        return f"could not be read ({error})"


def decode_as(
    source: Source, found: Sequence[Entry], form: Form, room: Room
) -> tuple[NDArray[np.uint8] | None, dict[int, str], dict[int, str], Form | None]:
    """Rows, reasons and changes; or, at the first image that does not fit the form, the form that fits it."""

    def one(entry: Entry) -> tuple[NDArray[np.uint8], str] | str:
        return or_reason(lambda: decoded_and_told(source.read(entry.name), form.side))

    rows: NDArray[np.uint8] | None = None
    bad, changed = dict[int, str](), dict[int, str]()
    # Threads suffice, because the decoder lets go of Python's lock.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(found), BLOCK):
            for i, answer in enumerate(pool.map(one, found[start : start + BLOCK]), start):
                if isinstance(answer, str):
                    bad[i] = answer
                    continue
                image, change = answer
                if change:
                    changed[i] = change
                if image.shape[2] > form.channels:
                    return None, {}, {}, Form(form.side, 3)
                if rows is None:
                    rows = room("pixels", (len(found), form.channels, *image.shape[:2]))
                if image.shape[:2] != rows.shape[2:]:
                    return None, {}, {}, Form(FALLBACK, form.channels)
                rows[i - len(bad)] = image.transpose(2, 0, 1)  # a grey image fills all channels
    return rows, bad, changed, None


def open_folder(
    path: Path,
    size: int | None = None,
    val: float = 0.1,
    seed: int = 0,
    layout: Callable[[Source], Listing] = entries,
    fewest: int = 2,
) -> Splits[Images]:
    """A folder or zip of images as three parts.

    Args:
        path: the folder or zip.
        size: side to which images are decoded; None keeps it where all agree, else 64.
        val: share of the training images held out where the layout has no validation part, 0 to below 1.
        seed: of what is held out.
        layout: says which class and part each file belongs to.
        fewest: classes that are wanted; 1 where they do not matter.

    Raises:
        UserError: nothing to train on, or too few classes.
    """

    def decode(source: Source, found: Sequence[Entry], room: Room) -> Arrays:
        return decode_all(source, found, size, room)

    def record(arrays: Arrays, labels: Tensor, classes: tuple[str, ...], names: Sequence[str]) -> Images:
        return Images(torch.from_numpy(arrays["pixels"])[: len(labels)], labels, classes, names)

    return opened(path, Held(str(size), decode, record), val, seed, layout, fewest)


@dataclass(frozen=True)
class Held(Generic[I]):
    """How the images of a set are decoded and kept.

    Args:
        name: tells this way from all others.
        decode: entries to arrays: "kept", "bad" and "changed" as `decode_all` writes them, and others.
        record: such arrays, labels, classes and names to the record.
    """

    name: str
    decode: Callable[[Source, Sequence[Entry], Room], Arrays]
    record: Callable[[Arrays, Tensor, tuple[str, ...], Sequence[str]], I]


def opened(
    path: Path, held: Held[I], val: float, seed: int, layout: Callable[[Source], Listing], fewest: int
) -> Splits[I]:
    """A folder or zip of images as three parts; arguments and errors as of `open_folder`."""
    # 1. List, part by part so that each is one stretch of the array; then decode, or find decoded.
    source = open_source(path)
    listing = layout(source)
    found, skipped = sorted(listing.found, key=lambda entry: (entry.part, entry.name)), listing.skipped
    text = f"{source.state}|{held.name}|{[(e.name, e.part) for e in found]}|{VERSION}"
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    arrays = remembered(key, lambda room: held.decode(source, found, room))
    bad = read(arrays["bad"])
    kept = [found[i] for i in arrays["kept"]]
    if not kept:
        (file, reason), more = [*bad, *skipped][0], len(bad) + len(skipped) - 1
        others = f" and {more} more" if more else ""
        raise UserError(f"{path} has no image that could be used ({file}: {reason}{others})", "images", "")
    # 2. Classes in the order of their names; every class needs an image.
    classes = class_names(kept)
    if len(classes) < fewest:
        raise UserError(f"{path} has one class ({classes[0]})", "two or more class folders", "")
    place = {name: i for i, name in enumerate(classes)}
    labels = torch.tensor([place[e.label] for e in kept])
    whole = held.record(arrays, labels, classes, [e.name for e in kept])
    # 3. Parts, and what a person should know.
    parts = in_parts(whole, [entry.part for entry in kept], val, seed)
    notes = [*source.notes(), *listing.notes, *remarks(whole, found, kept), *odd(read(arrays["changed"]))]
    return Splits(path.stem, *parts, [*skipped, *bad], notes)


def odd(changed: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each kind of image that decoding changed, with the file that it met first."""
    files = dict[str, list[str]]()
    for file, change in changed:
        files.setdefault(change, []).append(file)
    verb = {change: "image is" if len(names) == 1 else "images are" for change, names in files.items()}
    return [f"{len(names):,} {verb[c]} {c}; the first: {names[0]}." for c, names in files.items()]


def class_names(kept: Sequence[Entry]) -> tuple[str, ...]:
    """In the order of their names; numbers by value, and 01 before 1."""
    names = {entry.label for entry in kept}
    numbers = all(name.isdecimal() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name), name)) if numbers else sorted(names))


def alike(classes: Sequence[str]) -> list[str]:
    """A sentence for each pair of classes that a person may have meant as one: 1 and 01, cat and Cat."""
    first, told = dict[str, str](), []
    for name in classes:
        same = str(int(name)) if name.isdecimal() else name.strip().casefold()
        other = first.setdefault(same, name)
        if other != name:
            told.append(f"{other!r} and {name!r} are two classes; put them into one folder if they are one.")
    return told


def remarks(whole: Images, found: Sequence[Entry], kept: Sequence[Entry]) -> list[str]:
    """Sentences about classes that are nearly or quite empty, and parts that stand in for others."""
    lost = sorted({entry.label for entry in found} - set(whole.classes))
    notes = [
        *alike(whole.classes),
        *(f"Class {name} has no readable image and is left out." for name in lost),
    ]
    counts = whole.labels.bincount()
    single = (counts == 1).nonzero().flatten().tolist()
    notes += [f"Class {whole.classes[i]} has a single image." for i in single]
    parts = {entry.part for entry in kept}
    if "train" in parts:
        unseen = set(whole.classes) - {entry.label for entry in kept if entry.part == "train"}
        notes += [f"Class {name} has no image to train on." for name in sorted(unseen)]
        if "val" in parts and "test" not in parts:
            notes.append("The set has no test part: its validation part is the test part.")
    return notes


def in_parts(whole: I, parts: Sequence[str], val: float, seed: int) -> tuple[I, I | None, I]:
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
    if "test" not in index and "val" in index:
        index["test"] = index.pop("val")
    rest, test = stretch(whole, train), None
    if "test" in index:
        test = stretch(whole, index["test"])
    else:
        rest, test = cut(rest, 0.2, seed)
    if test is None:
        raise UserError(
            f"too few images: {len(whole)}", "two or more in a class, to train on and to test on", ""
        )
    if "val" in index:
        return rest, stretch(whole, index["val"]), test
    rest, held = cut(rest, val, seed + 1)
    return rest, held, test


def stretch(images: I, index: Int64[Tensor, " k"]) -> I:
    """The images at consecutive places, without copying their pixels."""
    start, end = int(index[0]), int(index[-1]) + 1
    assert end - start == len(index), "a part lies in one piece"
    return images.between(start, end)
