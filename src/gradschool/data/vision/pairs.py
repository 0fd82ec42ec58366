"""Pictures with masks in a folder or zip: `image/x.jpg` beside `label/x.png`, in parts or not.

Parts are folders `train`, `val`, `test` around both; without them the last fifth by name is the test
part, because neighbours in a series are alike. What a mask's numbers mean is in `vision/numbering.py`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradschool.data.source import Source, counted
from gradschool.data.vision.decode import Unreadable, decoded
from gradschool.data.vision.layouts import IMAGES, MASKS, PARTS, is_image, is_known
from gradschool.data.vision.numbering import numbered
from gradschool.data.vision.pictureset import Parts
from gradschool.errors import UserError

Bytes = NDArray[np.uint8]
Place = tuple[str, str]  # (folder around, name without ending)
MASK_WORDS = "masks?|labels?|seg|segmentation|gt|annotations?|groundtruth|l|p"
IMAGE_WORDS = "images?|img|pictures?|photo|sat"


@dataclass(frozen=True)
class Pairs:
    """Everything that was read.

    Args:
        parts: pixels and masks of each part.
        names: of the pictures of each part, in its order.
        classes: names, in label order.
        skipped: (file, reason) of what lies there and is not used.
        notes: sentences that a person should read.
    """

    parts: Parts
    names: dict[str, list[str]]
    classes: tuple[str, ...]
    skipped: Sequence[tuple[str, str]]
    notes: Sequence[str]


def read_pairs(source: Source) -> Pairs:
    """All pictures and masks by part, and the names of the classes.

    Raises:
        UserError: there are no pairs or only one, a file is missing or cannot be read, sizes differ, or the
            masks cannot be right: one class alone, a number that is no class, too many colours.
    """
    # 1. Which picture belongs to which mask.
    mask_of, told = paired(source)
    if len(mask_of) < 2:
        advice = "One picture cannot be trained and tested on; cut it into several."
        what = f"{source.path} holds {len(mask_of)} picture{'' if len(mask_of) == 1 else 's'} with masks"
        raise UserError(what, f"2 or more, {layout(source)}", advice)
    # 2. Their pixels, all of one size, and the class of every pixel.
    pixels = {picture: pixels_of(source, picture) for picture in mask_of}
    found = numbered(source, list(mask_of.values()))
    masks = {picture: found.masks[mask] for picture, mask in mask_of.items()}
    check_sizes(pixels, masks)
    # 3. Parts.
    channels = max(picture.shape[2] for picture in pixels.values())
    names, left, how = parted(list(mask_of))
    parts: Parts = {}
    for part, members in names.items():
        x = [np.broadcast_to(pixels[m], (*pixels[m].shape[:2], channels)) for m in members]
        parts[part] = np.stack(x).transpose(0, 3, 1, 2).copy(), np.stack([masks[m][None] for m in members])
    # 4. What is not used, and what was guessed.
    used = {*mask_of, *mask_of.values()}
    rest = [n for n in source.names if n not in used and is_image(n)]
    other = [n for n in source.names if not is_image(n) and not is_known(n)]
    skipped = [
        *((n, "in none of the parts") for n in left),
        *((n, "not one of a pair") for n in rest),
        *source.lost,
    ]
    notes = [*source.notes(), *told, *how, *found.notes, *unseen(parts["train"][1], found.classes)]
    notes += counted(other, "file is no picture and is left out", "files are no pictures and are left out")
    return Pairs(parts, names, found.classes, skipped, notes)


def unseen(masks: NDArray[np.integer[Any]], classes: Sequence[str]) -> list[str]:
    """A sentence about classes that no training mask holds."""
    lost = [name for label, name in enumerate(classes) if not (masks == label).any()]
    return [f"No training mask holds {', '.join(lost)}."] if lost else []


def paired(source: Source) -> tuple[dict[str, str], list[str]]:
    """Each picture's mask, by name, and a sentence where names differ: 0.png and 0_mask.png.

    Raises:
        UserError: a picture has no mask.
    """
    pictures = {place: name for name in source.names if (place := place_of(name, IMAGES))}
    masks = {place: name for name in source.names if (place := place_of(name, MASKS))}
    short = {**shortened(masks, MASK_WORDS), **masks}
    found, affixed = {}, []
    for (around, stem), name in pictures.items():
        bare = without(stem, IMAGE_WORDS)
        mask = short.get((around, stem)) or short.get((around, bare))
        if mask is None:
            raise UserError(f"{name} has no mask", layout(source), "Add it, or take the picture out.")
        found[name] = mask
        if PurePosixPath(mask).stem != stem:
            affixed.append(f"{PurePosixPath(name).name} with {PurePosixPath(mask).name}")
    if len({*found.values()}) < len(found):
        taken = list(found.values())
        double = next(mask for mask in taken if taken.count(mask) > 1)
        owners = [name for name, mask in found.items() if mask == double]
        raise UserError(
            f"{double} is the mask of {owners[0]} and {owners[1]}", "a mask for every picture", ""
        )
    told = counted(
        affixed, "picture goes with a mask of another name", "pictures go with masks of other names"
    )
    return found, told


def shortened(masks: dict[Place, str], words: str) -> dict[Place, str]:
    """Masks by their names without words such as mask; only where that still tells them apart."""
    bare = {place: (place[0], without(place[1], words)) for place in masks}
    return {short: masks[place] for place, short in bare.items() if list(bare.values()).count(short) == 1}


def without(stem: str, words: str) -> str:
    """A name without one of these words at its beginning or end."""
    return re.sub(rf"(?i)^(?:{words})[-_. ]+|[-_. ]+(?:{words})$", "", stem) or stem


def layout(source: Source) -> str:
    """Which file belongs beside which, in the names of the folders that were found."""
    folders = [PurePosixPath(name).parent.name for name in source.names]
    images = next((folder for folder in folders if folder.lower() in IMAGES), IMAGES[0])
    masks = next((folder for folder in folders if folder.lower() in MASKS), MASKS[0])
    return f"{images}/NAME.jpg beside {masks}/NAME.png"


def place_of(name: str, folders: Sequence[str]) -> Place | None:
    """Where an image file directly inside one of these folders stands, or None."""
    path = PurePosixPath(name)
    if not is_image(name) or path.parent.name.lower() not in folders:
        return None
    return path.parent.parent.as_posix(), path.stem


def pixels_of(source: Source, name: str) -> Bytes:
    """A picture, (h, w, 1 or 3)."""
    try:
        return decoded(content_of(source, name))
    except Unreadable as reason:
        raise UserError(
            f"{name} cannot be used: {reason}", "an image file", "Repair it, or take it out."
        ) from None


def content_of(source: Source, name: str) -> bytes:
    """The bytes of a file.

    Raises:
        Unreadable: it cannot be read.
    """
    try:
        return source.read(name)
    except Exception as error:  # no access, or damage inside a zip
        raise Unreadable(f"it could not be read ({error})") from error


def check_sizes(pixels: dict[str, Bytes], masks: dict[str, Bytes]) -> None:
    """Every mask as large as its picture, all pictures of one size.

    Raises:
        UserError: one differs; both are named.
    """
    first = next(iter(pixels))
    for name, picture in pixels.items():
        if picture.shape[:2] != masks[name].shape:
            what = f"{name} is {size_of(picture)} and its mask {size_of(masks[name])}"
            advice = "Draw it anew, or resize it by nearest pixel."
            raise UserError(what, "a mask as large as its picture", advice)
        if picture.shape[:2] != pixels[first].shape[:2]:
            what = f"{name} is {size_of(picture)} and {first} {size_of(pixels[first])}"
            raise UserError(what, "pictures of one size", "Cut them alike.")


def size_of(pixels: Bytes) -> str:
    """Width x height."""
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def parted(names: Sequence[str]) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """Pictures by part, those in none of the parts, and how the parts came about where no folder says it.

    Without a test part the validation part is tested on; without parts the last fifth is.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        part = next((PARTS[p.lower()] for p in PurePosixPath(name).parts if p.lower() in PARTS), "")
        found.setdefault(part, []).append(name)
    left = found.pop("", []) if "train" in found else []
    if "train" in found and "test" in found:
        return found, left, []
    if "train" in found and "val" in found:
        found["test"] = found.pop("val")
        return found, left, ["The set has no test part: its validation part is the test part."]
    every = found["train"] if "train" in found else list(names)
    held = max(1, len(every) // 5)
    what = (
        f"The last {held} of {len(every)} pictures by name are the test part."
        if held > 1
        else (f"The last of {len(every)} pictures by name is the test part.")
    )
    return {"train": every[:-held], "test": every[-held:]}, left, [what]
