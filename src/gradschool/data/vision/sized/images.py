"""Photographs at their own sizes: nothing is cut off or stretched, and only larger ones are made smaller."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data.cache import Arrays, Room
from gradschool.data.catalogue import resolve
from gradschool.data.examples import Splits
from gradschool.data.source import Source
from gradschool.data.vision.decode import decoded_and_told
from gradschool.data.vision.folder import BLOCK, Held, opened, or_reason, written
from gradschool.data.vision.images import Images
from gradschool.data.vision.layouts import Entry, entries
from gradschool.data.vision.pictureset import PictureSet
from gradschool.errors import UserError


@dataclass(frozen=True)
class SizedImages(Images):
    """Images of which each has its own height and width; all are in colour.

    Args:
        pixels: each image in the upper left corner of a square of one side; the rest is 0.
        sizes: height and width of each, (n, 2).
    """

    sizes: Int64[Tensor, "n 2"] = field(kw_only=True)

    def picture(self, i: int) -> UInt8[Tensor, "3 h w"]:
        """The pixels of image i alone."""
        height, width = self.sizes[i].tolist()
        return self.pixels[i, :, :height, :width]

    def rows(self, where: Any) -> dict[str, Any]:
        """What the record holds of some images, their sizes among it."""
        return super().rows(where) | {"sizes": self.sizes[where]}

    def together(self, parts: Sequence[Any]) -> dict[str, Any]:
        """What the record holds of all images of some parts, their sizes among it."""
        return super().together(parts) | {"sizes": torch.cat([part.sizes for part in parts])}


def open_sized(name: str | Path, longest: int, val: float, seed: int) -> Splits[SizedImages]:
    """Open a folder or zip of class folders, or a set of image files, each image at its own size.

    Args:
        name: a path, or the name of a set whose images are files.
        longest: side in pixels beyond which an image is made smaller, in its own proportions.
        val: share of the training images held out where there is no validation part, 0 to below 1.
        seed: of what is held out.

    Raises:
        UserError: it is not here, or no folder of images: the images of an array have one size.
    """
    info, place = resolve(name)
    is_folder = info is None or (isinstance(info, PictureSet) and info.read is None and not info.has_masks)
    if place is None or not is_folder or place.suffix == ".npz":
        advice = "Example: --data PATH, a folder of class folders"
        raise UserError(f"{name} has no image files of their own sizes", "a folder or zip of them", advice)
    layout = info.layout if isinstance(info, PictureSet) else entries

    def decode(source: Source, found: Sequence[Entry], room: Room) -> Arrays:
        return decode_each(source, found, longest, room)

    return opened(place, Held(f"at most {longest}", decode, recorded), val, seed, layout, 2)


def recorded(arrays: Arrays, labels: Tensor, classes: tuple[str, ...], names: Sequence[str]) -> SizedImages:
    """Arrays of `decode_each` as the record."""
    pixels = torch.from_numpy(arrays["pixels"])[: len(labels)]
    sizes = torch.from_numpy(np.asarray(arrays["sizes"], np.int64))
    return SizedImages(pixels, labels, classes, names, sizes=sizes)


def decode_each(source: Source, found: Sequence[Entry], longest: int, room: Room) -> Arrays:
    """Decode every entry at its own size; arrays as of `folder.decode_all`, and "sizes"."""

    def one(entry: Entry) -> tuple[NDArray[np.uint8], str] | str:
        return or_reason(lambda: shrunk(source.read(entry.name), longest))

    rows = room("pixels", (len(found), 3, longest, longest))
    bad, changed, sizes = dict[int, str](), dict[int, str](), list[tuple[int, ...]]()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(found), BLOCK):
            for i, answer in enumerate(pool.map(one, found[start : start + BLOCK]), start):
                if isinstance(answer, str):
                    bad[i] = answer
                    continue
                image, told = answer
                changed |= {i: told} if told else {}
                height, width = image.shape[:2]
                rows[len(sizes), :, :height, :width] = image.transpose(2, 0, 1)
                sizes.append((height, width))
    good = [i for i in range(len(found)) if i not in bad]
    return {
        "pixels": rows, "sizes": np.array(sizes, np.int64).reshape(-1, 2), "kept": np.array(good, np.int64),
        "bad": written(found, bad), "changed": written(found, changed),
    }  # fmt: skip


def shrunk(content: bytes, longest: int) -> tuple[NDArray[np.uint8], str]:
    """A file's image in colour, (height, width, 3), no side longer than so many pixels; what was changed.

    Raises:
        Unreadable: with the reason.
    """
    from PIL import Image

    pixels, told = decoded_and_told(content)
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0]).convert("RGB")
    if max(image.size) > longest:
        told = " and ".join(filter(None, (told, f"larger than {longest} pixels, made smaller")))
        image.thumbnail((longest, longest), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8), told
