"""112,120 chest X-rays of 28x28, with or without a finding."""

from pathlib import Path

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import Parts, PictureSet


def read(place: Path) -> Parts:
    """The published parts; the 14 findings become one: any or none."""
    from gradschool.data.vision.stacks import read_medmnist  # loads torch

    return read_medmnist(place / "chestmnist.npz" if place.is_dir() else place)[0]


SET = PictureSet(
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
