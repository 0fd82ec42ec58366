"""1,797 handwritten digits of 8 by 8 pixels, packaged with scikit-learn: the set that needs no download."""

from pathlib import Path

import numpy as np

from gradschool.data.vision.pictureset import Parts, PictureSet


def read(folder: Path) -> Parts:
    """The set, a stratified fifth of it as test part (always the same)."""
    import torch
    from sklearn.datasets import load_digits

    from gradschool.data.splits import stratified

    found = load_digits()
    pixels = (found.images * (255 / 16)).round().astype(np.uint8)[:, None]
    labels = found.target.astype(np.int64)
    train, test = (index.numpy() for index in stratified(torch.from_numpy(labels), 0.2, 0))
    return {"train": (pixels[train], labels[train]), "test": (pixels[test], labels[test])}


SET = PictureSet(
    name="digits",
    title="Handwritten digits, 8x8",
    classes=[str(i) for i in range(10)],
    licence="CC BY 4.0",
    source="Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (UCI repository)",
    read=read,
)
