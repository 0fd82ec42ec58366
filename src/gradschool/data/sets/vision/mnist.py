"""MNIST: 70,000 handwritten digits of 28 by 28 pixels."""

from pathlib import Path

import numpy as np

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.idx import read_idx_set
from gradschool.data.vision.pictureset import Parts, PictureSet


def read(folder: Path) -> Parts:
    """The four idx files, or a pack's npz."""
    if folder.is_dir():
        return read_idx_set(folder)
    with np.load(folder, allow_pickle=False) as pack:
        return {p: (pack[f"x_{p}"][:, None], pack[f"y_{p}"].astype(np.int64)) for p in ("train", "test")}


BASE = "https://ossci-datasets.s3.amazonaws.com/mnist/"
SET = PictureSet(
    name="mnist",
    title="MNIST",
    classes=[str(i) for i in range(10)],
    licence="CC BY-SA 3.0, as commonly stated",
    source="LeCun et al. 1998, Gradient-based learning applied to document recognition",
    files=[
        RemoteFile(f"{name}.gz", f"{BASE}{name}.gz", size, f"md5:{md5}")
        for name, size, md5 in [
            ("train-images-idx3-ubyte", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            ("train-labels-idx1-ubyte", 28881, "d53e105ee54ea40749a09fcbcd1e9432"),
            ("t10k-images-idx3-ubyte", 1648877, "9fb629c4189551a2d022fa330f9573f3"),
            ("t10k-labels-idx1-ubyte", 4542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ]
    ],
    read=read,
    packs=["mnist/mnist.npz"],
)
