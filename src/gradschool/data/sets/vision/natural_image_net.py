"""NaturalImageNet: 20 animals at 256 pixels, 19,984 to train on and 2,000 to test on, 3.75 times imbalanced.

Zenodo checks its files by md5, but none could be looked up for these: size and content are checked only.
"""

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import PictureSet

BASE = "https://zenodo.org/records/5846979/files/"
SET = PictureSet(
    name="natural_image_net",
    title="NaturalImageNet",
    classes=[],
    licence="as stated on its Zenodo page",
    source="Zenodo record 5846979",
    files=[
        RemoteFile(name, f"{BASE}{name}?download=1")
        for name in ("NaturalImageNetTrain.zip", "NaturalImageNetTest.zip")
    ],
    packs=["natural-image-net", "NaturalImageNet"],
    aliases=["naturalimagenet"],
)
