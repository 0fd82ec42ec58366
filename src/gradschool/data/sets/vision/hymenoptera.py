"""Ants and bees: 244 and 153 photographs, the set of PyTorch's transfer-learning tutorial.

Its second part is called validation there; with nothing left to test on, it is the test part here.
"""

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import PictureSet

SET = PictureSet(
    name="hymenoptera",
    title="Hymenoptera",
    classes=["ants", "bees"],
    licence="not stated; photographs from ImageNet",
    source="PyTorch tutorials, Transfer learning for computer vision (Chilamkurthy)",
    files=[
        RemoteFile(
            "hymenoptera_data.zip",
            "https://download.pytorch.org/tutorial/hymenoptera_data.zip",
            47286322,
            "sha256:fbc41b31d544714d18dd1230b1e2b455e1557766e13e67f9f5a7a23af7c02209",
        )
    ],
    packs=["hymenoptera", "hymenoptera_data", "hymenoptera_data.zip"],
    aliases=["hymenoptera_data"],
)
