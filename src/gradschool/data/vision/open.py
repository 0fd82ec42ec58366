"""Open a set of pictures by name, or a folder, zip or stack by path: always three parts of uint8 images."""

from dataclasses import replace
from pathlib import Path

import torch

from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.splits import cut
from gradschool.data.vision import stacks
from gradschool.data.vision.folder import open_folder
from gradschool.data.vision.images import Images
from gradschool.data.vision.pictureset import Parts, PictureSet
from gradschool.errors import UserError
from gradschool.phrases import command


def open_set(name: str | Path, *, size: int | None = None, val: float = 0.1, seed: int = 0) -> Splits[Images]:
    """Open a data set by name, or a folder, a zip or MedMNIST's .npz by path.

    Args:
        name: of a set, or a path; a bare name that is both is the set.
        size: side to which image files are decoded; None keeps it where all agree, else 64.
        val: share of the training images held out, 0 to below 1, where the set has no validation part.
        seed: of what is held out.

    Raises:
        UserError: it is not here; the sentence says which files to bring where.
    """
    info, place = resolve_pictures(name)
    if info is None:
        assert place is not None, "what is no set is a path"
        is_parts = place.suffix == ".npz"
        return stacks.open_stack(place, val, seed) if is_parts else open_folder(place, size, val, seed)
    if info.has_masks:
        raise UserError(
            f"{info.name} has a class for each pixel", "one for each picture", "Try --data natural_animals."
        )
    if info.read is None:
        assert place is not None, "a set of image files lies somewhere"
        return replace(open_folder(place, size, val, seed, info.layout), name=info.name)
    return from_parts(info, info.arrays(place), val, seed)


def resolve_pictures(name: str | Path) -> tuple[PictureSet | None, Path | None]:
    """The set of pictures of this name and where it lies (None: it comes with a package), or None and a path.

    Raises:
        UserError: there is neither, the set is not here, or holds no pictures.
    """
    info, place = resolve(name)
    if info is not None and not isinstance(info, PictureSet):
        wanted = "a set of pictures, or a folder of them"
        raise UserError(
            f"{info.name} ({info.title}) holds no pictures", wanted, f"List them with: {command('data')}"
        )
    return info, place


def from_parts(info: PictureSet, parts: Parts, val: float, seed: int) -> Splits[Images]:
    """Arrays as three parts."""
    found = {}
    for part, (pixels, labels) in parts.items():
        y = torch.from_numpy(labels.astype("int64"))
        found[part] = Images(torch.from_numpy(pixels), y, tuple(info.classes))
    train, test = found["train"], found["test"]
    if "val" in found:
        return Splits(info.name, train, found["val"], test)
    kept, held = cut(train, val, seed + 1)
    return Splits(info.name, kept, held, test)
