"""112,120 chest X-rays of 28x28, with or without a finding."""

from pathlib import Path

import numpy as np

from gradschool.data.setinfo import Parts, RemoteFile, SetInfo


def read(place: Path) -> Parts:
    """The published parts; the 14 findings become one: any or none."""
    parts: Parts = {}
    with np.load(place / "chestmnist.npz" if place.is_dir() else place, allow_pickle=False) as pack:
        for part in ("train", "val", "test"):
            found = (pack[f"{part}_labels"].sum(1) > 0).astype(np.int64)
            parts[part] = pack[f"{part}_images"][:, None], found
    return parts


SET = SetInfo(
    name="chestmnist",
    title="ChestMNIST",
    classes=["no finding", "finding"],
    licence="CC BY 4.0",
    source="Yang et al. 2023, MedMNIST v2; Wang et al. 2017, NIH ChestX-ray14",
    files=[
        RemoteFile(
            "chestmnist.npz",
            "https://zenodo.org/records/6496656/files/chestmnist.npz",
            None,
            "md5:02c8a6516a18b556561a56cbdd36c4a8",
        )
    ],
    read=read,
    packs=["chestmnist/chestmnist.npz"],
)
