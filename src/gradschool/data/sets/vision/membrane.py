"""30 slices of a fly's nerve cord under the electron microscope: cells, and the membranes between them.

The challenge's own server has gone; ImageJ keeps its data, without a checksum. Checked is that both volumes
are there, each of 30 slices of 512 by 512 pixels, with black and white labels.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import Parts, PictureSet

ZIP, SHAPE = "ISBI-2012-challenge.zip", (30, 512, 512)


def read(file: Path) -> Parts:
    """The first 24 slices to train on, the last 6 to test on: neighbours are alike, so not at random."""
    with np.load(file, allow_pickle=False) as pack:
        x, y = pack["image"][:, None], pack["label"][:, None].astype(np.uint8)
    return {"train": (x[:24], y[:24]), "test": (x[24:], y[24:])}


def build(folder: Path, made: Path) -> None:
    """Both training volumes as arrays; 1 is the inside of a cell, which is white in the labels.

    Raises:
        ValueError: the zip does not hold them as published.
    """
    with zipfile.ZipFile(folder / ZIP) as archive:
        image, label = (volume(archive, f"train-{kind}.tif") for kind in ("volume", "labels"))
    if not set(np.unique(label)) <= {0, 255}:
        raise ValueError("train-labels.tif is not black and white")
    np.savez_compressed(made, image=image, label=(label > 0).astype(np.uint8))


def volume(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    """All pages of a TIFF in a zip, (30, 512, 512)."""
    from PIL import Image, ImageSequence

    inside = next((each for each in archive.namelist() if each.rpartition("/")[2] == name), None)
    if inside is None:
        raise ValueError(f"it holds no {name}")
    with Image.open(io.BytesIO(archive.read(inside))) as file:
        pages = np.stack([np.asarray(page.convert("L")) for page in ImageSequence.Iterator(file)])
    if pages.shape != SHAPE:
        raise ValueError(f"{name} has the shape {pages.shape}, not {SHAPE}")
    return pages


SET = PictureSet(
    name="membrane",
    title="Membranes of ISBI 2012",
    classes=["membrane", "cell"],
    licence="research with citation",
    source="Cardona et al. 2010; Arganda-Carreras et al. 2015, ISBI 2012 challenge",
    files=[RemoteFile(ZIP, f"https://downloads.imagej.net/{ZIP}")],
    read=read,
    packs=["membrane/membrane.npz"],
    has_masks=True,
    build=build,
    made="membrane.npz",
)
