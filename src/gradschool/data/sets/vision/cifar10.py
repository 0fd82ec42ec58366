"""CIFAR-10: 60,000 colour photographs of 32 by 32 pixels in ten classes.

The published Python version is pickled, so the binary version is read; a pack may hold the pictures as JPEG.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.decode import decoded
from gradschool.data.vision.pictureset import Parts, PictureSet


def read(place: Path) -> Parts:
    """The unpacked binary version, or a pack's npz of JPEG files."""
    if place.is_file():
        return read_pack(place)
    root = next(place.rglob("test_batch.bin")).parent
    parts: Parts = {}
    for part, pattern in (("train", "data_batch_*.bin"), ("test", "test_batch.bin")):
        content = np.concatenate([np.fromfile(file, np.uint8) for file in sorted(root.glob(pattern))])
        rows = content.reshape(-1, 1 + 3 * 32 * 32)  # a label, then red, green and blue planes
        parts[part] = rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)
    return parts


def read_pack(file: Path) -> Parts:
    """JPEG files one after the other, with their offsets."""
    parts: Parts = {}
    with np.load(file, allow_pickle=False) as pack:
        for part in ("train", "test"):
            content, offset = pack[f"{part}_bytes"].tobytes(), pack[f"{part}_offset"]
            files = (content[start:end] for start, end in pairwise(offset))
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                pixels = np.stack(list(pool.map(decoded, files))).transpose(0, 3, 1, 2)
            parts[part] = np.ascontiguousarray(pixels), pack[f"{part}_label"].astype(np.int64)
    return parts


SET = PictureSet(
    name="cifar10",
    title="CIFAR-10",
    classes=["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    licence="not stated",
    source="Krizhevsky 2009, Learning multiple layers of features from tiny images",
    files=[
        RemoteFile(
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            170052171,
            "md5:c32a1d4ab5d03f1284b67883e8d87530",
        )
    ],
    read=read,
    packs=["cifar10/cifar10-jpeg.npz"],
    aliases=["cifar"],
)
