"""30 slices of a fly's nerve cord under the electron microscope: cells, and the membranes between them."""

from pathlib import Path

import numpy as np

from gradschool.data.vision.pictureset import Parts, PictureSet


def read(file: Path) -> Parts:
    """The first 24 slices to train on, the last 6 to test on: neighbours are alike, so not at random."""
    with np.load(file, allow_pickle=False) as pack:
        x, y = pack["image"][:, None], pack["label"][:, None].astype(np.uint8)
    return {"train": (x[:24], y[:24]), "test": (x[24:], y[24:])}


SET = PictureSet(
    name="membrane",
    title="Membranes of ISBI 2012",
    classes=["membrane", "cell"],
    licence="research with citation",
    source="Cardona et al. 2010; Arganda-Carreras et al. 2015, ISBI 2012 challenge",
    read=read,
    packs=["membrane/membrane.npz"],
    has_masks=True,
)
