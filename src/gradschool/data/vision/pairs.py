"""Pictures with masks in a folder or zip: `image/x.jpg` beside `label/x.png`, in parts or not.

Parts are folders `train`, `val`, `test` around both; without them the last fifth by name is the test
part, because neighbours in a series are alike. A mask is a PNG whose pixel values are class numbers, or
black and white; `classes.json` beside them names the classes, 255 or the class called void counts nowhere.
"""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gradschool.data.source import Source
from gradschool.data.vision.decode import ENDINGS, Unreadable, decoded
from gradschool.data.vision.pictureset import Parts
from gradschool.errors import UserError
from gradschool.ops.segment import VOID
from gradschool.phrases import counted

IMAGES, MASKS = ("image", "images"), ("label", "labels", "mask", "masks")

Bytes = NDArray[np.uint8]


def read_pairs(source: Source) -> tuple[Parts, tuple[str, ...]]:
    """All pictures and masks by part, and the names of the classes.

    Raises:
        UserError: there are no pairs or only one, a file is missing or cannot be read, sizes differ, or a
            mask holds a number that is no class or leaves one out.
    """
    # 1. Which picture belongs to which mask.
    pairs = paired(source)
    if len(pairs) < 2:
        advice = "One picture cannot be trained and tested on; cut it into several."
        raise UserError(
            f"{source.path} holds {counted(len(pairs), 'picture')} with masks",
            f"2 or more, {layout(source)}",
            advice,
        )
    # 2. Their pixels, all of one size.
    read = {picture: (pixels_of(source, picture), mask_of(source, mask)) for picture, mask in pairs}
    check_sizes(read)
    names, void = named_classes(source)
    # 3. Masks as class numbers.
    masks = {picture: mask for picture, (_, mask) in read.items()}
    names = names or guessed({mask: read[picture][1] for picture, mask in pairs})
    if set(np.unique(np.stack(list(masks.values())))) == {0, VOID}:
        masks = {picture: mask // VOID for picture, mask in masks.items()}
    masks = {name: numbered(name, mask, len(names), void) for name, mask in masks.items()}
    # 4. Parts.
    channels = max(pixels.shape[2] for pixels, _ in read.values())
    found: Parts = {}
    for part, members in parted([picture for picture, _ in pairs]).items():
        x = [np.broadcast_to(read[m][0], (*read[m][0].shape[:2], channels)) for m in members]
        y = [masks[m][None] for m in members]
        found[part] = np.stack(x).transpose(0, 3, 1, 2).copy(), np.stack(y)
    return found, names


def paired(source: Source) -> list[tuple[str, str]]:
    """Pictures with their masks, by name.

    Raises:
        UserError: a picture has no mask.
    """
    masks = {}
    for name in source.names:
        if place_of(name, MASKS) is not None:
            masks[place_of(name, MASKS)] = name
    found = []
    for name in source.names:
        place = place_of(name, IMAGES)
        if place is None:
            continue
        if place not in masks:
            raise UserError(f"{name} has no mask", layout(source), "Add it, or take the picture out.")
        found.append((name, masks[place]))
    return found


def layout(source: Source) -> str:
    """Which file belongs beside which, in the names of the folders that were found."""
    folders = [PurePosixPath(name).parent.name for name in source.names]
    images = next((folder for folder in folders if folder.lower() in IMAGES), IMAGES[0])
    masks = next((folder for folder in folders if folder.lower() in MASKS), MASKS[0])
    return f"{images}/NAME.jpg beside {masks}/NAME.png"


def place_of(name: str, folders: Sequence[str]) -> tuple[str, str] | None:
    """(folder around, name without ending) of an image file directly inside one of these folders."""
    path = PurePosixPath(name)
    if path.suffix.lower() not in ENDINGS or path.parent.name.lower() not in folders:
        return None
    return path.parent.parent.as_posix(), path.stem


def pixels_of(source: Source, name: str) -> Bytes:
    """A picture, (h, w, 1 or 3)."""
    try:
        return decoded(source.read(name))
    except Unreadable as reason:
        raise UserError(
            f"{name} cannot be used: {reason}", "an image file", "Repair it, or take it out."
        ) from None


def mask_of(source: Source, name: str) -> Bytes:
    """A mask's own numbers, (h, w): of a palette the indices, not the colours."""
    import io

    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(source.read(name))) as file:
            plain = file if file.mode in ("P", "L") else file.convert("L")
            return np.asarray(plain, dtype=np.uint8).copy()
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(f"the mask {name} cannot be read ({error})", "a PNG", "Repair it.") from error


def check_sizes(read: dict[str, tuple[Bytes, Bytes]]) -> None:
    """Every mask as large as its picture, all pictures of one size.

    Raises:
        UserError: one differs; both are named.
    """
    first, (example, _) = next(iter(read.items()))
    for name, (pixels, mask) in read.items():
        if pixels.shape[:2] != mask.shape:
            what = f"{name} is {size_of(pixels)} and its mask {size_of(mask)}"
            raise UserError(
                what, "a mask as large as its picture", "Draw it anew, or resize it by nearest pixel."
            )
        if pixels.shape[:2] != example.shape[:2]:
            what = f"{name} is {size_of(pixels)} and {first} {size_of(example)}"
            raise UserError(what, "pictures of one size", "Cut them alike.")


def size_of(pixels: Bytes) -> str:
    """Width x height."""
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def named_classes(source: Source) -> tuple[tuple[str, ...], int | None]:
    """Names from classes.json in label order, without void, and void's own number.

    Raises:
        UserError: it is no list of labels and names.
    """
    file = next((name for name in source.names if PurePosixPath(name).name == "classes.json"), None)
    if file is None:
        return (), None
    try:
        numbers = {int(row["label"]): str(row["name"]) for row in json.loads(source.read(file))}
    except (ValueError, TypeError, KeyError) as error:
        wanted = '[{"label": 0, "name": "cell"}, ...]'
        raise UserError(f"{file} cannot be read ({error!r})", wanted, "Mend it, or take it out.") from None
    void = next((label for label, name in numbers.items() if name.lower() == "void"), None)
    return tuple(name for label, name in sorted(numbers.items()) if label != void), void


def guessed(masks: dict[str, Bytes]) -> tuple[str, ...]:
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


def numbered(name: str, mask: Bytes, classes: int, void: int | None) -> Bytes:
    """A mask with void as 255.

    Raises:
        UserError: it holds a number that is no class.
    """
    mask = np.where(mask == void, np.uint8(VOID), mask) if void is not None else mask
    strange = mask[(mask >= classes) & (mask != VOID)]
    if strange.size:
        wanted = f"0 to {classes - 1}, or {VOID} for pixels that do not count"
        raise UserError(f"the mask of {name} holds {strange[0]}", wanted, "Name all classes in classes.json.")
    return mask


def parted(names: Sequence[str]) -> dict[str, list[str]]:
    """Pictures by part; without parts the last fifth is the test part."""
    found: dict[str, list[str]] = {}
    for name in names:
        part = next((p for p in ("train", "val", "test") if p in PurePosixPath(name).parts), "")
        found.setdefault(part, []).append(name)
    if "train" in found and "test" in found:
        return {part: members for part, members in found.items() if part}
    every = list(names)
    held = max(1, len(every) // 5)
    return {"train": every[:-held], "test": every[-held:]}
