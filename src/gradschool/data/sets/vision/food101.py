"""Food-101: 101,000 photographs of 101 dishes, 750 of each to train on and 250 to test on.

The training photographs were left as they were found, wrong labels included; the test part was looked over.
"""

from pathlib import PurePosixPath

from gradschool.data.setinfo import RemoteFile
from gradschool.data.source import Source
from gradschool.data.vision.layouts import Entry, Listing
from gradschool.data.vision.pictureset import PictureSet
from gradschool.errors import UserError


def layout(source: Source) -> Listing:
    """The official lists: a line of meta/train.txt and meta/test.txt is class/number.

    Raises:
        UserError: a list is missing.
    """
    have, found, skipped = set(source.names), [], []
    for part in ("train", "test"):
        table = next((name for name in source.names if name.endswith(f"meta/{part}.txt")), None)
        if table is None:
            raise UserError(f"{source.path} lacks meta/{part}.txt", "Food-101 as published", "")
        root = PurePosixPath(table).parent.parent / "images"
        for line in source.read(table).decode().split():
            name = f"{root / line}.jpg"
            if name in have:
                found.append(Entry(name, line.split("/")[0], part))
            else:
                skipped.append((name, f"named in {table}, but not there"))
    return Listing(found, skipped)


SET = PictureSet(
    name="food101",
    title="Food-101",
    classes=[],
    licence="not stated; photographs from Foodspotting, for scientific fair use",
    source="Bossard, Guillaumin and Van Gool 2014, Food-101: mining discriminative components",
    files=[
        RemoteFile(
            "food-101.tar.gz",
            "https://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",
            4996278331,
            "md5:85eeb15f3717b99a5da872d97d918f87",
        )
    ],
    layout=layout,
    packs=["food-101", "food-101.zip"],
    aliases=["food-101"],
)
