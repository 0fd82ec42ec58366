"""The 10,000 official test images of Kuzushiji-MNIST, cut 8,000 to 2,000."""

from pathlib import Path

import numpy as np

from gradschool.data.sets.vision import kmnist
from gradschool.data.vision.idx import NAMES, found, read_idx
from gradschool.data.vision.pictureset import Parts, PictureSet


def read(place: Path) -> Parts:
    """The first 8,000 to train on, the last 2,000 to test on: of the two idx files, or of a pack's npz."""
    if place.is_dir():
        x, y = (read_idx(found(place, name)) for name in NAMES["test"])
        x, y = x[:, None], y.astype(np.int64)
    else:
        with np.load(place, allow_pickle=False) as pack:
            x, y = pack["x"][:, None], pack["y"].astype(np.int64)
    return {"train": (x[:8000], y[:8000]), "test": (x[8000:], y[8000:])}


SET = PictureSet(
    name="kmnist10k",
    title="Kuzushiji-MNIST, its 10,000 test images",
    classes=kmnist.CLASSES,
    licence="CC BY-SA 4.0",
    source="Clanuwat et al. 2018, arXiv 1812.01718; doi 10.20676/00000341",
    files=[file for file in kmnist.SET.files if file.name.startswith("t10k")],
    read=read,
    packs=["kmnist10k/kmnist10k.npz"],
)
