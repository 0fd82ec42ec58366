"""701 frames from a driving car in Cambridge, each pixel one of 11 classes; void does not count."""

from pathlib import Path

from gradschool.data.source import open_source
from gradschool.data.vision.pairs import read_pairs
from gradschool.data.vision.pictureset import Parts, PictureSet


def read(file: Path) -> Parts:
    """367 frames to train on, 101 to choose by, 233 to test on, as published."""
    return read_pairs(open_source(file)).parts


SET = PictureSet(
    name="camvid",
    title="CamVid road scenes, 240x180",
    classes=[
        "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian",
        "bicyclist",
    ],
    licence="CC BY-NC 4.0, research and teaching",
    source="Brostow et al. 2008; split of Badrinarayanan et al. 2017",
    read=read,
    packs=["camvid/camvid-240x180.zip"],
    has_masks=True,
)  # fmt: skip
