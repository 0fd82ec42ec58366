"""Ants and bees: 397 photographs, the set of PyTorch's transfer-learning tutorial."""

from gradschool.data.setinfo import RemoteFile, SetInfo

SET = SetInfo(
    name="hymenoptera",
    title="Hymenoptera",
    classes=["ants", "bees"],
    licence="not stated; a part of ImageNet",
    source="PyTorch tutorials, Transfer learning for computer vision (Chilamkurthy)",
    files=[RemoteFile("hymenoptera_data.zip", "https://download.pytorch.org/tutorial/hymenoptera_data.zip")],
    packs=["hymenoptera", "hymenoptera_data.zip"],
    root="hymenoptera_data",
)
