"""Kuzushiji-MNIST: 70,000 cursive hiragana of 28 by 28 pixels."""

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.idx import read_idx_set
from gradschool.data.vision.pictureset import PictureSet

BASE = "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"
CLASSES = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
SET = PictureSet(
    name="kmnist",
    title="Kuzushiji-MNIST",
    classes=CLASSES,
    licence="CC BY-SA 4.0",
    source="Clanuwat et al. 2018, arXiv 1812.01718; doi 10.20676/00000341",
    files=[
        RemoteFile(f"{name}.gz", f"{BASE}{name}.gz", size, f"md5:{md5}")
        for name, size, md5 in [
            ("train-images-idx3-ubyte", 18165135, "bdb82020997e1d708af4cf47b453dcf7"),
            ("train-labels-idx1-ubyte", 29497, "e144d726b3acfaa3e44228e80efcd344"),
            ("t10k-images-idx3-ubyte", 3041136, "5c965bf0a639b31b8f53240b1b52f4d7"),
            ("t10k-labels-idx1-ubyte", 5120, "7320c461ea6c1c855c0b718fb2a4b134"),
        ]
    ],
    read=read_idx_set,
    packs=["kmnist"],
)
