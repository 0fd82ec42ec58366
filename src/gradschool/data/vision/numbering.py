"""What numbers or colours in masks mean: every pixel a class from 0 to n-1, or 255 where it counts nowhere.

A mask is an image whose pixel values are class numbers, or black and white, or one colour a class; it may lie
in the alpha channel alone. `classes.json` beside the masks names classes, and perhaps their colours.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradschool.data.source import Source
from gradschool.data.vision.decode import opened
from gradschool.errors import UserError
from gradschool.ops.segment import VOID

Numbers = NDArray[np.integer[Any]]
COLOURS = 32  # in all masks together: more are soft edges or a JPEG's noise, not classes
PNG = "a PNG with one number or colour for each class"


@dataclass(frozen=True)
class Numbered:
    """The masks as class numbers (h, w) by file, what the classes are called, and what was guessed."""

    masks: dict[str, NDArray[np.uint8]]
    classes: tuple[str, ...]
    notes: Sequence[str]


def numbered(source: Source, files: Sequence[str]) -> Numbered:
    """Read all masks of a set.

    Raises:
        UserError: a mask cannot be read, or holds what is no class; or all hold one class alone.
    """
    known = listed(source)
    read = {file: read_mask(source, file) for file in files}
    values, notes = {file: mask for file, (mask, _) in read.items()}, list[str]()
    if clear := [file for file, (_, is_alpha) in read.items() if is_alpha]:
        what = "mask lies in its file's" if len(clear) == 1 else "masks lie in their files'"
        notes.append(f"{len(clear):,} {what} alpha channel; the first: {clear[0]}.")
    if any(mask.ndim == 3 for mask in values.values()):
        masks, names, told = by_colour(values, known)
        return checked(masks, names, [*notes, *told])
    void = next((row.label for row in known if row.is_void), None)
    names = tuple(row.name for row in known if not row.is_void) or guessed(values)
    if not known and {*every_label(values)} == {0, VOID}:
        values = {file: mask // VOID for file, mask in values.items()}
    return checked({f: without_void(f, mask, len(names), void) for f, mask in values.items()}, names, notes)


def checked(masks: dict[str, NDArray[np.uint8]], names: tuple[str, ...], notes: list[str]) -> Numbered:
    """Masks that are worth learning from.

    Raises:
        UserError: they hold a single class.
    """
    labels = set(every_label(masks)) - {VOID}
    if len(labels) < 2:
        black = "Masks saved from fractions turn black: multiply them by 255 before saving."
        advice = black if 0 in labels else "Number the classes from 0."
        shown = f"{names[labels.pop()]} in every pixel" if labels else f"{VOID} in every pixel and no class"
        raise UserError(f"all {len(masks)} masks hold {shown}", "two classes or more", advice)
    return Numbered(masks, names, notes)


def every_label(masks: Mapping[str, Numbers]) -> list[int]:
    """All numbers that any mask holds, ascending."""
    return sorted(set().union(*(np.unique(mask).tolist() for mask in masks.values())))


def read_mask(source: Source, name: str) -> tuple[Numbers, bool]:
    """A mask's own numbers (h, w), of a palette the indices; or its colours (h, w, 3); and whether they stand
    in the alpha channel.

    Raises:
        UserError: it cannot be read, or its numbers are no whole numbers from 0 to 255.
    """
    try:
        image, _ = opened(source.read(name), None)
        if image.mode in ("RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa", "La"):
            return of_colours(np.asarray(image.convert("RGBA")))
        values = np.asarray(image)
    except Exception as error:  # a damaged file raises whatever comes
        raise UserError(f"the mask {name} cannot be read ({error})", "a PNG", "Repair it.") from error
    numbers = values.astype(np.float64)
    if not ((numbers == np.rint(numbers)) & (numbers >= 0) & (numbers <= VOID)).all():
        what = f"the mask {name} holds numbers from {numbers.min():g} to {numbers.max():g}"
        raise UserError(what, f"whole numbers from 0 to {VOID}", "Renumber its classes.")
    return values.astype(np.uint8), False


def of_colours(pixels: Numbers) -> tuple[Numbers, bool]:
    """Red, green, blue and alpha as numbers where they are grey, from alpha where the colour says nothing."""
    colour, alpha = pixels[..., :3], pixels[..., 3]
    if (colour == colour[0, 0]).all() and (alpha != alpha[0, 0]).any():
        return alpha, True
    is_grey = (colour == colour[..., :1]).all()
    return (colour[..., 0] if is_grey else colour), False


@dataclass(frozen=True)
class Listed:
    """A line of classes.json."""

    label: int
    name: str
    colour: int | None

    @property
    def is_void(self) -> bool:
        """Whether its pixels count nowhere."""
        return self.name.lower() == "void"


def listed(source: Source) -> list[Listed]:
    """The classes that classes.json names, in label order; none without one.

    Raises:
        UserError: it is no list of labels and names, or the labels are not 0 to n-1.
    """
    file = next((name for name in source.names if PurePosixPath(name).name == "classes.json"), None)
    if file is None:
        return []
    wanted = '[{"label": 0, "name": "cell"}, ...]'
    try:
        rows = [
            Listed(int(row["label"]), str(row["name"]), colour_of(row))
            for row in json.loads(source.read(file))
        ]
    except Exception as error:  # whatever a person may write there
        raise UserError(f"{file} cannot be read ({error!r})", wanted, "Mend it, or take it out.") from None
    rows.sort(key=lambda row: row.label)
    labels = [row.label for row in rows if not row.is_void]
    if labels != list(range(len(labels))):
        raise UserError(f"{file} has the labels {labels}", "0 to n-1, each once", "Renumber them.")
    return rows


def colour_of(row: dict[str, Any]) -> int | None:
    """The colour of a line as one number, 0xRRGGBB, if it names one."""
    found = row.get("colour", row.get("color"))
    if found is None:
        return None
    red, green, blue = (int(value) for value in found)
    return (red << 16) + (green << 8) + blue


def by_colour(
    masks: dict[str, Numbers], known: Sequence[Listed]
) -> tuple[dict[str, NDArray[np.uint8]], tuple[str, ...], list[str]]:
    """Masks in colour as class numbers: as classes.json says, else each colour a class, black first.

    Raises:
        UserError: there are too many colours, or one that classes.json does not know.
    """
    # 1. A colour as one number, 0xRRGGBB; grey masks among them are colours as well.
    packed = {
        file: pack(mask if mask.ndim == 3 else np.stack([mask] * 3, -1)) for file, mask in masks.items()
    }
    for file, mask in packed.items():
        if (count := len(np.unique(mask))) > COLOURS:
            advice = "Save masks without soft edges, and not as JPEG."
            raise UserError(f"the mask {file} holds {count:,} colours", PNG, advice)
    colours = every_label(packed)
    # 2. Which class each is.
    label = {row.colour: VOID if row.is_void else row.label for row in known if row.colour is not None}
    names = tuple(row.name for row in known if not row.is_void)
    told = []
    if not label:
        if len(colours) > COLOURS:
            raise UserError(f"the masks hold {len(colours)} colours", PNG, "Name them in classes.json.")
        label, names = {c: i for i, c in enumerate(colours)}, tuple(f"#{c:06x}" for c in colours)
        told = [
            f"The masks are in colour; each of their {len(names)} colours is a class: {', '.join(names)}."
        ]
    strange = next((c for c in colours if c not in label), None)
    if strange is not None:
        file = next(file for file, mask in packed.items() if (mask == strange).any())
        raise UserError(f"the mask {file} holds #{strange:06x}", "colours of classes.json", "Name it there.")
    # 3. The number of every pixel.
    known_colours = np.array(sorted(label))
    numbers = np.array([label[c] for c in known_colours.tolist()], np.uint8)
    return {f: numbers[np.searchsorted(known_colours, mask)] for f, mask in packed.items()}, names, told


def pack(colours: Numbers) -> Numbers:
    """Red, green and blue along the last axis as one number each."""
    red, green, blue = (colours[..., i].astype(np.int64) for i in range(3))
    return (red << 16) + (green << 8) + blue


def guessed(masks: dict[str, Numbers]) -> tuple[str, ...]:
    """Names for classes that have none: their numbers, or background and foreground where there are two.

    Args:
        masks: of the whole set, by file; a class may be missing in any of them, but not in all.

    Raises:
        UserError: the numbers have a gap, so what is above it is a slip of the pen rather than a class.
    """
    found = {name: set(np.unique(mask).tolist()) - {VOID} for name, mask in masks.items()}
    every = set().union(*found.values())
    highest = max(every, default=0)
    if highest <= 1:
        return ("background", "foreground")
    odd = next((label for label in sorted(every) if label and label - 1 not in every), None)
    if odd is not None:
        file = next(name for name, labels in found.items() if odd in labels)
        first = max((label + 1 for label in every if label < odd), default=0)
        lost = f"{first} to {odd - 1}" if first < odd - 1 else str(first)
        raise UserError(
            f"the mask {file} holds the label {odd}, and no mask holds {lost}",
            f"labels 0 to n-1 without gaps ({VOID} for pixels that do not count), or 0 and {VOID} alone",
            "Mend or renumber the masks, or name every class in classes.json.",
        )
    return tuple(map(str, range(highest + 1)))


def without_void(name: str, mask: Numbers, classes: int, void: int | None) -> NDArray[np.uint8]:
    """A mask with void as 255.

    Raises:
        UserError: it holds a number that is no class.
    """
    mask = np.where(mask == void, VOID, mask) if void is not None else mask
    strange = mask[(mask >= classes) & (mask != VOID)]
    if strange.size:
        wanted = f"0 to {classes - 1}, or {VOID} for pixels that do not count"
        raise UserError(f"the mask {name} holds {strange[0]}", wanted, "Name all classes in classes.json.")
    return mask.astype(np.uint8)
