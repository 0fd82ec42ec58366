"""The idx format of MNIST and its relatives: a few big-endian numbers, then the bytes.

Source: LeCun, Cortes and Burges, "The MNIST database", file formats.
"""

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.data.vision.pictureset import Parts
from gradschool.errors import UserError

NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read_idx(file: Path) -> NDArray[np.uint8]:
    """An idx file, gzipped or not, as an array.

    Raises:
        UserError: it is not one, or it is cut off.
    """
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rb") as handle:
            content = handle.read()
        zeros, kind, axes = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
        if zeros or kind != 8:
            raise ValueError("wrong first bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise UserError(
            f"{file} is damaged ({error})", "an idx file as published", "Fetch it again."
        ) from error


def read_idx_set(folder: Path) -> Parts:
    """The four idx files of a set as its two parts."""
    parts: Parts = {}
    for part, (images, labels) in NAMES.items():
        pixels, classes = (read_idx(found(folder, name)) for name in (images, labels))
        parts[part] = pixels[:, None], classes.astype(np.int64)
    return parts


def found(folder: Path, name: str) -> Path:
    """An idx file under its usual spellings.

    Raises:
        UserError: it is not there.
    """
    spellings = [name + ".gz", name, name.replace("-idx", ".idx") + ".gz", name.replace("-idx", ".idx")]
    for spelling in spellings:
        if (folder / spelling).is_file():
            return folder / spelling
    raise UserError(
        f"{folder} lacks {name}.gz",
        "the four idx files",
        f"It has: {', '.join(p.name for p in folder.glob('*'))}",
    )
