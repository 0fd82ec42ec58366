"""20 animals of 64 by 64 pixels, 450 photographs of each to train on and 50 to test on, from Tiny ImageNet.

Source: Tiny ImageNet 200 (Stanford, CS231n), 500 training photographs of each class; the md5 of its zip is
the one that public readers of it agree on. Which 50 of a class are the test part is in natural_animals.txt.
"""

import csv
import io
import json
import zipfile
from pathlib import Path

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.pictureset import PictureSet

ZIP, ROOT, EACH = "tiny-imagenet-200.zip", "tiny-imagenet-200", 500


def build(folder: Path, made: Path) -> None:
    """The photographs of the 20 classes as they are, with their boxes, in parts.

    Raises:
        ValueError: the zip is not Tiny ImageNet.
    """
    with zipfile.ZipFile(folder / ZIP) as tiny, zipfile.ZipFile(made, "w") as out:
        have = set(tiny.namelist())
        words = dict(row.split("\t", 1) for row in text(tiny, f"{ROOT}/words.txt").splitlines())
        rows: list[list[str]] = []
        classes = []
        for label, (name, wnid, test, lost) in enumerate(chosen()):
            classes.append({"label": label, "name": name, "wnid": wnid, "wordnet": words[wnid].strip()})
            lines = text(tiny, f"{ROOT}/train/{wnid}/{wnid}_boxes.txt").splitlines()
            boxes = dict(line.split("\t", 1) for line in lines)
            files = [f"{wnid}_{number}.JPEG" for number in range(EACH) if number not in lost]
            if missing := [file for file in files if f"{ROOT}/train/{wnid}/images/{file}" not in have]:
                raise ValueError(f"{wnid} lacks {missing[0]}")
            for file in files:
                part = "test" if int(file[len(wnid) + 1 : -5]) in test else "train"
                place = f"{part}/{name}/{file}"
                out.writestr(zipfile.ZipInfo(place), tiny.read(f"{ROOT}/train/{wnid}/images/{file}"))
                rows.append([place, str(label), name, wnid, *boxes[file].split()])
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["file", "label", "class", "wnid", "xmin", "ymin", "xmax", "ymax"])
        rows.sort(key=lambda row: (not row[0].startswith("train/"), int(row[1]), row[0]))
        writer.writerows(rows)
        out.writestr(zipfile.ZipInfo("index.csv"), table.getvalue())
        out.writestr(zipfile.ZipInfo("classes.json"), json.dumps(classes, indent=1))


def chosen() -> list[tuple[str, str, set[int], set[int]]]:
    """Name, WordNet id, numbers of the test photographs and of those left out, class by class."""
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines[1:]:
        name, wnid, *numbers = line.split()
        test, lost = ({abs(int(n)) for n in numbers if n.startswith("-") is out} for out in (False, True))
        found.append((name, wnid, test, lost))
    return found


def text(archive: zipfile.ZipFile, name: str) -> str:
    """A text file inside a zip."""
    return archive.read(name).decode("utf-8")


SET = PictureSet(
    name="natural_animals",
    title="Natural animals",
    classes=[],
    licence="ImageNet terms: non-commercial research and education",
    source="Deng et al. 2009, ImageNet, by way of Tiny ImageNet",
    files=[
        RemoteFile(
            ZIP, f"http://cs231n.stanford.edu/{ZIP}", 248100043, "md5:90528d7ca1a48142e341f4ef8d21d0de"
        )
    ],
    packs=["natural-animals/natural-animals.zip"],
    build=build,
    made="natural-animals.zip",
)
