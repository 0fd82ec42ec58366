"""Strange folders, zips, tables and masks: they work, or end in one sentence; no file is lost in silence."""

import io
import re
import tempfile
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gradschool.data.source import JUNK
from gradschool.data.vision.decode import ENDINGS
from gradschool.data.vision.masks import open_masked
from gradschool.data.vision.open import open_set
from gradschool.data.vision.tables import is_table
from gradschool.errors import UserError
from gradschool.recipes import ask, find
from gradschool.runs.request import silent
from gradschool.runs.train import train

CALM = settings(suppress_health_check=list(HealthCheck))


# Files: what a person may have, good and bad.


def noise(seed: int, side: int = 9, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    with io.BytesIO() as out:
        image.save(out, kind, **options)
        return out.getvalue()


def broken_exif(seed: int) -> bytes:
    body = (
        b"Exif\0\0II*\0\x08\0\0\0\x02\0"
        + b"\x00\x01\x02\0\x04\0\0\0abc\0"
        + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    )
    whole = saved(Image.fromarray(noise(seed)), "JPEG")
    return whole[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + whole[2:]


BLACK, HALF = Image.new("RGB", (9, 9)), np.tri(9, dtype=np.uint8)
PICTURES = {
    "png": lambda i: saved(Image.fromarray(noise(i)), "PNG"),
    "PNG": lambda i: saved(Image.fromarray(noise(i, 17)).convert("L"), "PNG"),
    "jpg": lambda i: saved(Image.fromarray(noise(i, 12)), "JPEG"),
    "jpeg": broken_exif,
    "tif": lambda i: saved(Image.fromarray((noise(i)[..., 0] / 255).astype(np.float32)), "TIFF"),
    "tiff": lambda i: saved(Image.fromarray(noise(i)[..., 0].astype(np.float32) - 300), "TIFF"),
    "gif": lambda i: saved(Image.fromarray(noise(i)), "GIF", save_all=True, append_images=[BLACK]),
    "webp": lambda i: saved(Image.fromarray(noise(i, 9, 4)), "WEBP"),
    "bmp": lambda i: b"",
    "ppm": lambda i: saved(Image.fromarray(noise(i)), "PPM")[:40],
    "pgm": lambda i: saved(Image.fromarray(noise(i, 1)), "PNG"),
    "heic": lambda i: b"x",
    "txt": lambda i: b"notes",
    "json": lambda i: b"{}",
}  # fmt: skip
STEMS = [
    "0",
    "1",
    "01",
    "cat.0",
    "dog.1",
    "cat.2",
    "dog.3",
    "b c",
    "e\u0301",
    "é",
    "0_mask",
    "x'\"[]",
    "#%25",
    "ö" * 60,
]
FOLDERS = ["", "cat", "dog", "1", "01", "Cat", "train/cat", "train/dog", "test/cat", "test", "train"]
FOLDERS += [
    "images",
    "masks",
    "e\u0301t",
    "ét",
    ".hidden",
    "__MACOSX",
    "a/b",
    "PetsTrain/x",
    "PetsTest/x",
    "val/dog",
]
FILES = st.tuples(st.sampled_from(FOLDERS), st.sampled_from(STEMS), st.sampled_from(list(PICTURES)))


@st.composite
def tables(draw) -> dict[str, bytes]:
    """A table in one of the forms that spreadsheets write, right or wrong."""
    separator, code = (
        draw(st.sampled_from(",;\t")),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
    )
    header = draw(
        st.sampled_from([["file", "class"], ["id", "breed"], ["Filename", "Label", "split"], ["x", "y"], []])
    )
    rows = [header] if header else []
    for folder, stem, kind in draw(st.lists(FILES, max_size=8)):
        name = draw(st.sampled_from([f"{folder}/{stem}.{kind}".lstrip("/"), stem, f"{stem}.{kind}"]))
        cells = [name, draw(st.sampled_from(["a", "b", "ü", ""]))]
        rows.append(cells + [draw(st.sampled_from(["train", "test", "?"]))] * (len(header) == 3))
    text = "\n".join(separator.join(f'"{c}"' if '"' not in c else c for c in row) for row in rows)
    return {draw(st.sampled_from(["labels.csv", "train.csv", "x/index.csv"])): text.encode(code, "replace")}


@st.composite
def folders(draw) -> dict[str, bytes]:
    """Files by name; mostly two classes that can be learned, and always something odd."""
    files = {}
    if draw(st.integers(0, 3)):
        kinds = draw(
            st.sampled_from([("cat", "dog"), ("1", "01"), ("e\u0301t", "dog"), ("train/cat", "train/dog")])
        )
        files = {
            f"{kind}/good{i}.png": PICTURES["png"](i + 10 * k)
            for k, kind in enumerate(kinds)
            for i in range(4)
        }
    for i, (folder, stem, kind) in enumerate(draw(st.lists(FILES, min_size=1, max_size=14))):
        files[f"{folder}/{stem}.{kind}".lstrip("/")] = PICTURES[kind](100 + i)
    return files | (draw(tables()) if draw(st.booleans()) else {})


MASKS = {
    "numbers": lambda i: Image.fromarray(np.indices((9, 9)).sum(0).astype(np.uint8) // (6 + i % 2)),
    "white": lambda i: Image.fromarray(np.tri(9, dtype=np.uint8) * 255),
    "black": lambda i: Image.new("L", (9, 9)),
    "ones": lambda i: Image.fromarray(np.tri(9, dtype=np.uint8)),
    "colour": lambda i: Image.fromarray(np.dstack([HALF * 255, HALF * 0, HALF * (i % 2)])),
    "soft": lambda i: Image.fromarray(noise(i)),
    "alpha": lambda i: Image.fromarray(np.dstack([HALF * 0] * 3 + [HALF * 255])),
    "deep": lambda i: Image.fromarray(np.tri(9, dtype=np.uint16) * (300 if i % 2 else 1)),
    "float": lambda i: Image.fromarray(np.tri(9, dtype=np.float32) * (0.5 if i % 2 else 1)),
    "small": lambda i: Image.fromarray(np.tri(5, dtype=np.uint8)),
    "palette": lambda i: Image.fromarray(np.tri(9, dtype=np.uint8) * 200).convert("P"),
}  # fmt: skip


@st.composite
def masked(draw) -> dict[str, bytes]:
    """Pictures with masks of one sort, or of two; with a file too many or too few."""
    part = draw(st.sampled_from(["", "", "train/", "x/"]))
    images, labels = draw(st.sampled_from([("images", "masks"), ("image", "label"), ("Images", "Labels")]))
    kinds = draw(st.lists(st.sampled_from(list(MASKS)), min_size=1, max_size=2))
    affix = draw(st.sampled_from(["{}", "{}_mask", "mask_{}", "{}-label"]))
    files = {}
    for i in range(draw(st.integers(1, 6))):
        place = "test/" if part == "train/" and i < 2 and draw(st.booleans()) else part
        files[f"{place}{images}/{i}.png"] = PICTURES["png"](i)
        files[f"{place}{labels}/{affix.format(i)}.png"] = saved(MASKS[kinds[i % len(kinds)]](i), "TIFF")
    if draw(st.booleans()):
        files[f"{part}{draw(st.sampled_from([images, labels, 'x']))}/more.png"] = PICTURES["png"](50)
    if draw(st.booleans()):
        files["classes.json"] = draw(
            st.sampled_from([b"[]", b"{", b'[{"label": 0, "name": "a"}, {"label": 1, "name": "b"}]'])
        )
    return files


# What must hold.


def laid_out(root: Path, files: dict[str, bytes], form: str) -> Path:
    """The files in a folder, in a folder behind a link, in a zip, or in one that Windows has made."""
    if form.startswith("zip"):
        with zipfile.ZipFile(root / "set.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name.replace("/", "\\") if form == "zip of Windows" else name, content)
        return root / "set.zip"
    for name, content in files.items():
        (root / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "set" / name).write_bytes(content)
    if form == "linked":
        (root / "link").symlink_to(root / "set")
        return root / "link"
    return root / "set"


def names_told(splits) -> set[str]:
    return {name for part in splits.parts.values() for name in part.names} | {
        file for file, _ in splits.skipped
    }


def nothing_is_lost(files: dict[str, bytes], splits) -> None:
    """Every file is in a part once, left out with a reason, or counted among those that are no pictures."""
    used = [name for part in splits.parts.values() for name in part.names]
    assert len(used) == len(set(used))
    known = {unicodedata.normalize("NFC", name) for name in names_told(splits)}
    silent_ones = [
        n for n in files if unicodedata.normalize("NFC", n) not in known and not {*n.split("/")} & {*JUNK}
    ]
    pictures = [name for name in silent_ones if name.lower().endswith((*ENDINGS, ".heic"))]
    assert len(pictures) == (len(used) if splits.train.labels.ndim == 4 else 0)  # each with its mask
    silent_ones = [name for name in silent_ones if name not in pictures]
    others = [n for n in silent_ones if not is_table(n) and n.rpartition("/")[2] != "classes.json"]
    counted = [
        int(m[1]) for note in splits.notes if (m := re.match(r"(\d+) files? (?:is|are) no picture", note))
    ]
    assert sum(counted) >= len(others)


def opened(files: dict[str, bytes], form: str, opens, goes_on) -> None:
    """Open a set of these files, and go on with it, or meet one sentence."""
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", f"{place}/cache")
        path = laid_out(Path(place), files, form)
        try:
            splits = opens(path)
        except UserError as error:
            assert len(str(error).splitlines()) == 1 and str(error).endswith((".", "PATH", "?", str(path)))
            return
        nothing_is_lost(files, splits)
        goes_on(path, Path(place))


def one_step(recipe: str, **settings_of_run):
    """Train for one step and write the report; a refusal is a sentence as well."""

    def go(path: Path, place: Path) -> None:
        run = replace(find(recipe)(), data=str(path), batch_size=4, **settings_of_run)
        try:
            folder = train(run, ask(recipe, steps=1, out=place / "run"), silent)
        except UserError as error:
            assert len(str(error).splitlines()) == 1
            return
        assert run.report(folder).is_file()

    return go


def rests(path: Path, place: Path) -> None:
    """Nothing more."""


FORMS = st.sampled_from(["folder", "linked", "zip", "zip of Windows"])
SMALL = {"image_size": 8}
TINY = {"crop": None, "model_options": {"width": 4}, "turning": False}


@settings(CALM, max_examples=15)
@given(folders(), FORMS)
def test_a_folder_is_opened_or_refused_and_nothing_is_lost(files, form):
    opened(files, form, open_set, rests)


@settings(CALM, max_examples=15)
@given(masked(), FORMS)
def test_masks_are_read_or_refused_and_nothing_is_lost(files, form):
    opened(files, form, open_masked, rests)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(CALM, max_examples=600)
@given(folders(), FORMS)
def test_many_folders(files, form):
    opened(files, form, open_set, rests)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(CALM, max_examples=600)
@given(masked(), FORMS)
def test_many_masks(files, form):
    opened(files, form, open_masked, rests)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(CALM, max_examples=30)
@given(folders(), FORMS)
def test_what_is_opened_is_trained_on_and_reported(files, form):
    opened(files, form, open_set, one_step("digits", **SMALL))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(CALM, max_examples=25)
@given(masked(), FORMS)
def test_masks_are_trained_on_and_reported(files, form):
    opened(files, form, open_masked, one_step("unet_membrane", **TINY))


@pytest.mark.long
def test_one_of_each_is_trained_on_and_reported():
    ends = ("png", "jpeg", "tif", "bmp")
    pets = {
        f"{k}/{i}.{end}": PICTURES[end](i + 10 * len(k))
        for k in ("cat", "birds")
        for i in (0, 1, 2)
        for end in ends
    }
    opened(pets, "folder", open_set, one_step("digits", **SMALL))
    cells = {f"images/{i}.png": PICTURES["png"](i) for i in range(4)}
    cells |= {f"masks/{i}_mask.png": saved(MASKS["colour"](0), "PNG") for i in range(4)}
    opened(cells, "zip", open_masked, one_step("unet_membrane", **TINY))
