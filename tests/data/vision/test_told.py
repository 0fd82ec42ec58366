"""What is left out, followed, guessed or re-scaled is told with a count and the first file, or refused."""

import io
import os
import struct
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gradschool.data.examples import inventory
from gradschool.data.vision.folder import open_folder
from gradschool.data.vision.masks import open_masked
from gradschool.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def bytes_of(image: Image.Image, kind: str = "PNG") -> bytes:
    with io.BytesIO() as out:
        image.save(out, kind)
        return out.getvalue()


def picture(seed: int) -> bytes:
    return bytes_of(Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)))


def laid(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def two(*kinds: str, n: int = 4) -> dict[str, bytes]:
    return {f"{kind}/{i}.png": picture(i + 50 * k) for k, kind in enumerate(kinds) for i in range(n)}


def test_names_that_differ_in_form_only_give_the_same_set(tmp_path):
    """One name as macOS spells it (NFD) and as others do (NFC): the same classes, parts and names."""
    told = []
    for form in ("NFC", "NFD"):
        files = {unicodedata.normalize(form, n): c for n, c in two("Zèbre", "Zz", "zebra", n=6).items()}
        (tmp_path / form).mkdir()
        told.append(inventory(open_folder(laid(tmp_path / form / "set", files))))
    assert told[0] == told[1] and told[0]["classes"] == ["Zz", "Zèbre", "zebra"]


def test_classes_that_may_be_one_are_two_in_a_fixed_order_and_told(tmp_path):
    splits = open_folder(laid(tmp_path / "set", two("2", "1", "01")))
    assert splits.train.classes == ("01", "1", "2")
    assert [note for note in splits.notes if note.startswith("'01' and '1' are two classes")]
    splits = open_folder(laid(tmp_path / "other", two("cat", "Cat")))
    assert splits.notes == ["'Cat' and 'cat' are two classes; put them into one folder if they are one."]


def test_linked_folders_are_followed_and_loops_are_refused(tmp_path):
    path = laid(tmp_path / "set", two("cat"))
    laid(tmp_path / "elsewhere", two("dog"))
    (path / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    (path / "lost").symlink_to(tmp_path / "nowhere")
    splits = open_folder(path)
    assert splits.train.classes == ("cat", "dog") and "1 linked folder is followed: dog." in splits.notes
    assert splits.skipped == [("lost", "a link that leads nowhere")]
    (path / "dog" / "again").symlink_to(path)
    with pytest.raises(
        UserError, match=r"dog/again is a link to a folder that it lies in.*Take the link out\."
    ):
        open_folder(path)


def test_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    path = laid(tmp_path / "set", two("a", "b", "c"))
    scandir = os.scandir

    def closed(folder):
        if str(folder).endswith("/c"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr("gradschool.data.source.os.scandir", closed)
    splits = open_folder(path)
    assert "1 folder cannot be opened: c." in splits.notes
    assert splits.skipped == [("c", "a folder that cannot be opened: Permission denied")]


def test_a_name_that_is_no_utf8_is_shown_with_an_escape(tmp_path):
    path = laid(tmp_path / "set", two("cat", "dog"))
    Path(os.fsdecode(os.fsencode(path) + b"/cat/\xe9cole.png")).write_bytes(picture(99))
    Path(os.fsdecode(os.fsencode(path) + b"/cat/\xff.png")).write_bytes(b"no picture")
    splits = open_folder(path)
    names = [name for part in splits.parts.values() for name in part.names]
    assert "cat/\\xe9cole.png" in names and splits.skipped[0][0] == "cat/\\xff.png"
    assert "".join(names).encode()  # nothing that cannot be written down


def test_a_name_that_stands_twice_in_a_zip_is_one_picture(tmp_path):
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "set.zip", "w") as archive,
    ):
        for name, content in [*two("cat", "dog").items(), ("cat/0.png", picture(70))]:
            archive.writestr(name, content)
    splits = open_folder(tmp_path / "set.zip")
    assert sum(map(len, splits.parts.values())) == 8
    assert splits.skipped == [("cat/0.png", "stands in the zip more than once: the last is used")]


def test_files_beside_the_pictures_are_told(tmp_path):
    files = two("cat", "dog") | {"readme.txt": b"x", "cat/old.psp": b"x", "cat/.thumb.png": b"x"}
    splits = open_folder(laid(tmp_path / "set", files))
    assert "2 files are no pictures and are left out; the first: cat/old.psp." in splits.notes
    assert splits.skipped == [("cat/.thumb.png", "hidden: its name, or a folder's, begins with a dot")]


# Layouts


def test_classes_in_the_names_of_files_as_competitions_have_them(tmp_path):
    files = {f"train/{kind}.{i}.jpg": picture(i) for kind in ("cat", "dog") for i in range(5)}
    files |= {f"test/{i}.jpg": picture(90 + i) for i in range(3)}
    splits = open_folder(laid(tmp_path / "set", files))
    assert splits.train.classes == ("cat", "dog") and sum(map(len, splits.parts.values())) == 10
    assert [file for file, _ in splits.skipped] == ["test/0.jpg", "test/1.jpg", "test/2.jpg"]
    assert "cat.0.jpg is of class cat" in splits.notes[0]


@pytest.mark.parametrize("parts", [("train", "test"), ("Training", "val"), ("PetsTrain", "PetsTest")])
def test_parts_are_no_classes(tmp_path, parts):
    with pytest.raises(
        UserError, match=r"has 8 images in .* and none in a class folder; wanted: \w+/CLASS/0.png"
    ):
        open_folder(laid(tmp_path / "set", two(*parts)))


def test_unlabelled_test_pictures_beside_classes_are_left_out(tmp_path):
    splits = open_folder(laid(tmp_path / "set", two("cat", "dog", "test")))
    assert splits.train.classes == ("cat", "dog")
    assert splits.skipped[0] == ("test/0.png", "not in a class folder") and len(splits.skipped) == 4


@pytest.mark.parametrize("names", [("images", "masks"), ("Image", "Label"), ("train/images", "train/masks")])
def test_pictures_and_masks_are_no_two_classes(tmp_path, names):
    with pytest.raises(UserError, match=r"holds pictures and masks \(.*\).*train unet_membrane --data"):
        open_folder(laid(tmp_path / "set", two(*names)))


def rows(separator: str, head: str, end: str) -> str:
    lines = [f"{i}{end}{separator}{'ab'[i % 2]}" for i in range(8)]
    return "\n".join([head, *lines] if head else lines)


@pytest.mark.parametrize(("file", "text", "where"), [
    ("train.csv", rows(",", "id,breed", "").encode(), "train/"),
    ("labels.csv", rows("\t", "file\tclass", ".png").encode(), ""),
    ("labels.csv", rows(";", "Datei;Klasse", ".png").encode().replace(b"Datei", b"file"), ""),
    ("labels.csv", rows(",", "file,class", ".png").encode("utf-8-sig"), ""),
    ("labels.csv", rows(",", "file,class", ".png").encode("utf-16"), ""),
    ("labels.tsv", rows("\t", "", ".png").encode(), ""),
    ("anything.csv", rows(",", "image_id,kind", "").encode(), "some/where/"),
])  # fmt: skip
def test_a_table_is_read_however_it_was_saved(tmp_path, file, text, where):
    files = {f"{where}{i}.png": picture(i) for i in range(9)} | {file: text}
    splits = open_folder(laid(tmp_path / "set", files))
    found = {
        n: int(y) for part in splits.parts.values() for n, y in zip(part.names, part.labels, strict=True)
    }
    assert splits.train.classes == ("a", "b") and found == {f"{where}{i}.png": i % 2 for i in range(8)}
    assert splits.skipped == [(f"{where}8.png", f"in no line of {file}")]


def test_a_table_that_contradicts_itself_is_refused_and_repeats_are_told(tmp_path):
    files = {f"{i}.png": picture(i) for i in range(8)}
    text = rows(",", "file,class", ".png") + "\n0.png,a\n"
    splits = open_folder(laid(tmp_path / "set", files | {"labels.csv": text.encode()}))
    assert (
        sum(map(len, splits.parts.values())) == 8
        and "1 lines of labels.csv repeat an earlier one." in splits.notes
    )
    laid(tmp_path / "set", {"labels.csv": (text + "1.png,a\n").encode()})
    with pytest.raises(
        UserError, match=r"labels.csv gives 1.png the classes b and a; wanted: one class for every"
    ):
        open_folder(tmp_path / "set")


def test_parts_may_have_a_table_each(tmp_path):
    files = {f"{part}/{i}.png": picture(i) for part in ("train", "test") for i in range(8)}
    files |= {f"{part}.csv": rows(",", "id,label", "").encode() for part in ("train", "test")}
    splits = open_folder(laid(tmp_path / "set", files), val=0.0)
    assert {name: {n.split("/")[0] for n in part.names} for name, part in splits.parts.items()} == {
        "train": {"train"}, "test": {"test"}}  # fmt: skip


# Pixels


def test_fractions_keep_their_brightness(tmp_path):
    low = {"dark": 0.0, "light": 0.5}
    files = {f"{k}/{i}.tif": bytes_of(Image.fromarray(np.full((8, 8), v + 0.1 * i, np.float32)), "TIFF")
             for k, v in low.items() for i in range(4)}  # fmt: skip
    splits = open_folder(laid(tmp_path / "set", files))
    for part in splits.parts.values():
        for name, pixels in zip(part.names, part.pixels, strict=True):
            kind, number = name.removesuffix(".tif").split("/")
            assert abs(pixels.float().mean() - 255 * (low[kind] + 0.1 * int(number))) <= 1
    assert (
        "8 images are of fractions from 0 to 1, brought to 0 to 255; the first: dark/0.tif." in splits.notes
    )


@pytest.mark.parametrize(
    ("value", "reason"), [(-3.0, "-3 to 1"), (np.nan, "nan to nan"), (np.inf, "1 to inf")]
)
def test_numbers_that_are_no_brightness_are_left_out(tmp_path, value, reason):
    odd = np.ones((8, 8), np.float32)
    odd[0, 0] = value
    files = two("cat", "dog") | {"cat/odd.tif": bytes_of(Image.fromarray(odd), "TIFF")}
    ((file, why),) = open_folder(laid(tmp_path / "set", files)).skipped
    assert file == "cat/odd.tif" and f"its numbers are {reason}" in why


def test_broken_exif_costs_nothing_but_the_turn(tmp_path):
    """EXIF whose ImageWidth is text, as some phones write it, and whose orientation is a quarter."""
    entries = [struct.pack("<HHI", 0x100, 2, 4) + b"abc\0", struct.pack("<HHIHH", 0x112, 3, 1, 6, 0)]
    body = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 2) + b"".join(entries) + bytes(4)
    jpeg = bytes_of(Image.new("RGB", (8, 8), "red"), "JPEG")
    phone = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]
    splits = open_folder(laid(tmp_path / "set", two("cat", "dog") | {"cat/phone.jpg": phone}))
    assert sum(map(len, splits.parts.values())) == 9 and not splits.skipped
    assert "1 image is used as stored, because of broken EXIF data; the first: cat/phone.jpg." in splits.notes


# Masks

HALF = np.tri(8, dtype=np.uint8)


def cells(path: Path, masks: list[np.ndarray], name: str = "{}") -> Path:
    files = {f"images/{i}.png": picture(i) for i in range(len(masks))}
    files |= {f"masks/{name.format(i)}.png": bytes_of(Image.fromarray(m)) for i, m in enumerate(masks)}
    return laid(path, files)


@pytest.mark.parametrize("mask", [HALF * 0, HALF * 0 + 1, HALF * 0 + 255, np.dstack([HALF * 0] * 3)])
def test_masks_of_one_value_are_refused(tmp_path, mask):
    with pytest.raises(UserError, match=r"all 4 masks hold .*; wanted: two classes or more") as error:
        open_masked(cells(tmp_path / "set", [mask] * 4))
    is_black = "turn black" in error.value.next_step  # a cause that only zeros can have
    assert is_black == (not mask.any()) or mask.ndim == 3


def test_a_mask_in_the_alpha_channel_is_found_and_told(tmp_path):
    splits = open_masked(cells(tmp_path / "set", [np.dstack([HALF * 0 + 255] * 3 + [HALF * 255])] * 4))
    assert (splits.train.labels[0, 0].numpy() == HALF).all()
    assert "4 masks lie in their files' alpha channel; the first: masks/0.png." in splits.notes


def test_a_colour_is_a_class_and_told(tmp_path):
    red, green = np.dstack([HALF * 255, HALF * 0, HALF * 0]), np.dstack([HALF * 0, HALF * 255, HALF * 0])
    splits = open_masked(cells(tmp_path / "set", [red, green] * 2))
    assert splits.train.classes == ("#000000", "#00ff00", "#ff0000")
    assert splits.train.labels[0, 0].numpy().tolist() == (2 * HALF).tolist()
    assert splits.train.labels[1, 0].numpy().tolist() == HALF.tolist()
    assert any("each of their 3 colours is a class" in note for note in splits.notes)
    laid(tmp_path / "set", {"classes.json": b'[{"label": 0, "name": "sky", "colour": [0, 0, 0]}, '
                            b'{"label": 1, "name": "car", "colour": [255, 0, 0]}]'})  # fmt: skip
    with pytest.raises(UserError, match=r"masks/1.png holds #00ff00; wanted: colours of classes.json"):
        open_masked(tmp_path / "set")


def test_soft_edges_are_no_classes(tmp_path):
    soft = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    with pytest.raises(
        UserError, match=r"holds 64 colours; wanted: a PNG with one number or colour for each class"
    ):
        open_masked(cells(tmp_path / "set", [soft] * 3))


@pytest.mark.parametrize("name", ["{}_mask", "mask_{}", "{}-label", "{}_GT"])
def test_a_mask_may_have_a_word_more_in_its_name(tmp_path, name):
    splits = open_masked(cells(tmp_path / "set", [HALF] * 4, name))
    assert len(splits.train) + len(splits.val or ()) + len(splits.test) == 4
    assert any(note.startswith("4 pictures go with masks of other names") for note in splits.notes)


def test_masks_left_over_and_pictures_in_no_part_are_told(tmp_path):
    for part in ("train", "test"):
        cells(tmp_path / "set" / part, [HALF] * 3)
    cells(tmp_path / "set" / "more", [HALF] * 2)
    laid(tmp_path / "set", {"train/masks/9.png": bytes_of(Image.fromarray(HALF))})
    splits = open_masked(tmp_path / "set", val=0.0)
    assert (len(splits.train), len(splits.test)) == (3, 3)
    assert [*splits.skipped] == [
        ("more/images/0.png", "in none of the parts"), ("more/images/1.png", "in none of the parts"),
        ("train/masks/9.png", "not one of a pair")]  # fmt: skip


def test_a_validation_part_is_tested_on_where_there_is_no_test_part(tmp_path):
    for part, n in (("train", 3), ("val", 2)):
        cells(tmp_path / "set" / part, [HALF] * n)
    splits = open_masked(tmp_path / "set", val=0.0)
    assert (len(splits.train), len(splits.test)) == (3, 2)
    assert "The set has no test part: its validation part is the test part." in splits.notes
