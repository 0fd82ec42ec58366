"""Pictures whose classes do not matter: to generate, restore or tell from made ones.

Besides what `open_set` opens: a folder of pictures without class folders, a stack in a .npy file, and large
pictures with masks (`membrane`) cut into squares.
"""

from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.source import Source
from gradschool.data.vision import stacks
from gradschool.data.vision.folder import open_folder
from gradschool.data.vision.images import Images
from gradschool.data.vision.layouts import Entry, Listing, entries, is_image
from gradschool.data.vision.masks import open_masked
from gradschool.data.vision.open import open_set, resolve_pictures
from gradschool.data.vision.tables import is_table
from gradschool.errors import UserError

SQUARE = 64  # side of the squares that large pictures are cut into, if none is asked for


def open_pictures(
    name: str | Path, *, size: int | None = None, val: float = 0.1, seed: int = 0
) -> Splits[Images]:
    """Open a set by name, or a folder, zip, .npz or .npy by path.

    Args:
        name: of a set, or a path.
        size: side to which image files are decoded and large pictures cut; None keeps it where all agree,
            else 64.
        val: share of the training pictures held out, 0 to below 1, where there is no validation part.
        seed: of what is held out.

    Raises:
        UserError: it is not here, or holds no pictures; the sentence says what was wanted.
    """
    info, place = resolve_pictures(name)
    if info is not None:
        return (
            in_squares(info.name, size or SQUARE, val)
            if info.has_masks
            else open_set(name, size=size, val=val, seed=seed)
        )
    assert place is not None, "what is no set is a path"
    if place.suffix in stacks.ENDINGS:
        return stacks.open_stack(place, val, seed)
    return open_folder(place, size, val, seed, loose, 1)


def loose(source: Source) -> Listing:
    """Class folders or a table as ever; pictures that lie in the folder itself are one class."""
    pictures = [name for name in source.names if is_image(name)]
    if not pictures or any("/" in name for name in source.names) or any(map(is_table, source.names)):
        return entries(source)
    others = [
        (name, "no picture, or of a kind that is not read") for name in source.names if not is_image(name)
    ]
    return Listing([Entry(name, source.path.stem, "") for name in pictures], [*others, *source.lost])


def in_squares(name: str, side: int, val: float) -> Splits[Images]:
    """A set of large pictures as squares: of the training part overlapping by half, else side by side.

    Raises:
        UserError: the pictures are smaller than a square.
    """
    splits = open_masked(name, val=val)
    size = min(splits.train.pixels.shape[2:])
    if side > size:
        raise UserError(
            f"squares of {side} pixels do not fit into {name} ({size} pixels)", f"{size} or less", ""
        )

    def cut(images: Images, stride: int) -> Images:
        pixels = squares(images.pixels, side, stride)
        return Images(pixels, torch.zeros(len(pixels), dtype=torch.int64), (name,))

    held = None if splits.val is None else cut(splits.val, side)
    return Splits(f"{name} in squares", cut(splits.train, max(1, side // 2)), held, cut(splits.test, side))


def squares(pixels: UInt8[Tensor, "n c h w"], side: int, stride: int) -> UInt8[Tensor, "m c side side"]:
    """All squares at multiples of the stride that lie inside their picture, picture after picture."""
    # 1. Windows along both sides: (n, c, rows, columns, side, side).
    windows = pixels.unfold(2, side, stride).unfold(3, side, stride)
    # 2. Every window is a picture of its own.
    return windows.permute(0, 2, 3, 1, 4, 5).reshape(-1, pixels.shape[1], side, side).contiguous()
