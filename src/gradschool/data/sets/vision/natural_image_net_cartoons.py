"""400 cartoons of the classes of NaturalImageNet: for testing far from the training photographs only.

Zenodo checks its files by md5, but none could be looked up for this one: size and content are checked only.
"""

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import PictureSet

SET = PictureSet(
    name="natural_image_net_cartoons",
    title="NaturalImageNet, cartoons",
    classes=[],
    licence="as stated on its Zenodo page",
    source="Zenodo record 10424022",
    files=[RemoteFile("cartoons.zip", "https://zenodo.org/records/10424022/files/cartoons.zip?download=1")],
    packs=["cartoons", "cartoons.zip"],
    aliases=["cartoons"],
)
