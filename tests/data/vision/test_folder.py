"""Folders and zips of class folders: layouts, bad files, and sentences that name them."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.data.cache import mapped
from gradschool.data.source import open_source
from gradschool.data.vision.folder import open_folder
from gradschool.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def picture(seed: int = 0, size=(20, 16), mode: str = "RGB", kind: str = "PNG") -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    with io.BytesIO() as out:
        Image.fromarray(values).convert(mode).save(out, kind)
        return out.getvalue()


def tree(root: Path, layout: dict[str, bytes]) -> Path:
    for name, content in layout.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def classes(prefix="", n=6, kinds=("cat", "dog")):
    return {
        f"{prefix}{kind}/{i}.png": picture(i + 100 * len(kind + prefix)) for kind in kinds for i in range(n)
    }


def test_class_folders_are_split_stratified_and_seeded(tmp_path):
    path = tree(tmp_path / "pets", classes(n=10))
    splits = open_folder(path, val=0.2, seed=1)
    assert splits.train.classes == ("cat", "dog")
    assert [len(p) for p in (splits.train, splits.val, splits.test)] == [12, 4, 4]
    assert splits.test.labels.bincount().tolist() == [2, 2]
    names = [set(part.names) for part in (splits.train, splits.val, splits.test)]
    assert len(set.union(*names)) == 20 and not (names[0] & names[1] or names[0] & names[2])
    assert open_folder(path, val=0.2, seed=1).test.names == splits.test.names
    assert open_folder(path, val=0.2, seed=2).test.names != splits.test.names


@pytest.mark.parametrize("top", ["", "data/", "a b/übung/"])
def test_train_and_test_folders_wherever_they_lie(tmp_path, top):
    layout = classes(f"{top}train/") | classes(f"{top}test/", 2) | {f"{top}classes.json": b"{}"}
    splits = open_folder(tree(tmp_path / "set", layout), val=0.0)
    assert (len(splits.train), splits.val, len(splits.test)) == (12, None, 4)
    assert all(name.startswith(f"{top}test/") for name in splits.test.names)


def zipped(path: Path, layout: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in layout.items():
            archive.writestr(name, content)
    return path


def test_a_zip_is_read_in_place_and_equals_its_folder(tmp_path):
    junk = {"__MACOSX/train/cat/._1.png": b"x", "train/.DS_Store": b"x", "train/cat/Thumbs.db": b"x"}
    layout = classes("train/") | classes("test/", 2) | junk
    folder = open_folder(tree(tmp_path / "set", layout), val=0.0)
    inside = open_folder(zipped(tmp_path / "set.zip", layout), val=0.0)
    assert torch.equal(inside.train.pixels, folder.train.pixels)
    assert list(inside.train.names) == list(folder.train.names)
    assert not inside.skipped and not list(tmp_path.glob("train"))


def images(n: int) -> dict[str, bytes]:
    return {f"img/{i}.png": picture(i) for i in range(n)}


def test_labels_in_a_table(tmp_path):
    rows = [f"img/{i}.png,{'cat' if i % 2 else 'dog'},{'test' if i > 7 else 'train'}" for i in range(10)]
    table = "file,class,split\n" + "\n".join([*rows, "img/99.png,cat,train", ""])
    splits = open_folder(tree(tmp_path / "set", images(10) | {"labels.csv": table.encode()}), val=0.0)
    assert (len(splits.train), len(splits.test)) == (8, 2)
    assert splits.train.classes == ("cat", "dog")
    assert dict(zip(splits.train.names, splits.train.labels.tolist(), strict=True))["img/3.png"] == 0
    assert splits.skipped == [("img/99.png", "named in labels.csv, but not there")]


def test_a_table_as_spreadsheets_write_it(tmp_path):
    """Semicolons, a byte-order mark, other names of the columns, backslashes, a table in a folder."""
    rows = [f"{'übung' if i % 2 else 'b c'};img\\{i}.png" for i in range(6)]
    table = ("Label;Filename\r\n" + "\r\n".join(rows)).encode("utf-8-sig")
    layout = {f"top/{name}": content for name, content in images(6).items()} | {"top/labels.csv": table}
    splits = open_folder(tree(tmp_path / "set", layout), val=0.0)
    assert splits.train.classes == ("b c", "übung") and not splits.skipped
    assert len(splits.train) + len(splits.test) == 6


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("file,class\nimg/1.png,\n", r"labels.csv, line 2: img/1.png has no class"),
        (
            "picture,kind\nimg/1.png,cat\n",
            r"labels.csv has the columns picture, kind; wanted: columns file and",
        ),
        ("", r"labels.csv has no columns"),
        ("file,class\nimg/7.png,cat\n", r"no image that could be used \(img/7.png: named in labels.csv, but"),
    ],
)
def test_tables_that_do_not_say_it_are_refused(tmp_path, table, sentence):
    loose = {"1.png": picture(1)} if "picture" in table or not table else images(3)
    with pytest.raises(UserError, match=sentence):
        open_folder(tree(tmp_path / "set", loose | {"labels.csv": table.encode()}))


def test_unusable_files_are_left_out_with_the_reason(tmp_path):
    good = picture(1)
    layout = classes() | {"cat/empty.png": b"", "cat/cut.jpg": picture(2, (200, 200), kind="JPEG")[:3000],
                          "dog/text.jpg": b"hello", "dog/phone.HEIC": b"x", "loose.png": good}  # fmt: skip
    splits = open_folder(tree(tmp_path / "set", layout))
    reasons = dict(splits.skipped)
    assert "0 bytes" in reasons["cat/empty.png"] and "cut off after 3 KB" in reasons["cat/cut.jpg"]
    assert "make it a JPEG" in reasons["dog/phone.HEIC"]
    assert "not an image" in reasons["dog/text.jpg"] and "class folder" in reasons["loose.png"]
    assert sum(len(p) for p in (splits.train, splits.val, splits.test)) == 12


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        ({}, "no files"),
        ({"readme.txt": b"x"}, "none an image in a class folder"),
        ({"cat/1.png": picture(1), "cat/2.png": picture(2)}, r"one class \(cat\)"),
        (
            {"cat/1.png": b"", "dog/1.png": b""},
            r"no image that could be used \(cat/1.png: the file is empty \(0 bytes\) and 1 more",
        ),
    ],
)
def test_folders_with_nothing_to_learn_are_refused(tmp_path, layout, sentence):
    (tmp_path / "set").mkdir()
    with pytest.raises(UserError, match=sentence):
        open_folder(tree(tmp_path / "set", layout))


def test_a_class_with_one_image_is_named(tmp_path):
    splits = open_folder(tree(tmp_path / "set", classes() | {"owl/1.png": picture(9)}))
    assert "Class owl has a single image." in splits.notes
    assert splits.train.labels.bincount()[2] == 1  # it stays where it is learned from


def test_a_class_without_a_readable_image_is_named(tmp_path):
    splits = open_folder(tree(tmp_path / "set", classes() | {"owl/1.png": b""}))
    assert splits.train.classes == ("cat", "dog")
    assert "Class owl has no readable image and is left out." in splits.notes


def test_what_decoding_changes_is_told_with_the_first_file(tmp_path):
    odd = {
        "cat/a ink.jpg": picture(1, mode="CMYK", kind="JPEG"),
        "cat/b ink.jpg": picture(2, mode="CMYK", kind="JPEG"),
        "dog/scan.png": picture(3, mode="I;16"),
        "dog/sign.png": picture(4, mode="P"),
        "dog/clear.png": picture(5, mode="RGBA"),
    }
    path = tree(tmp_path / "set", classes() | odd)
    for _ in range(2):  # decoded, then from the cache
        notes = "\n".join(open_folder(path).notes).splitlines()
        assert "2 images are in CMYK, made RGB; the first: cat/a ink.jpg." in notes
        assert "1 image is of a palette, made RGB; the first: dog/sign.png." in notes
        assert "1 image is transparent in places, which are made white; the first: dog/clear.png." in notes
        (deep,) = [note for note in notes if "16 bits" in note]
        assert "brought to eight" in deep and deep.endswith("the first: dog/scan.png.")
    assert open_folder(tree(tmp_path / "plain", classes())).notes == []


def test_an_empty_class_folder_is_told(tmp_path):
    path = tree(tmp_path / "set", classes())
    (path / "owl").mkdir()
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted(path.rglob("*")):
            archive.write(file, file.relative_to(path))
    for source in (path, tmp_path / "set.zip"):
        splits = open_folder(source)
        assert splits.train.classes == ("cat", "dog")
        assert splits.notes == ["Nothing lies in the folder owl: no class was made of it."]


def test_bad_archives_are_refused(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    with pytest.raises(UserError, match=r"no.zip is not a zip, or is damaged"):
        open_folder(tmp_path / "no.zip")
    good = zipped(tmp_path / "good.zip", classes()).read_bytes()
    (tmp_path / "cut.zip").write_bytes(good[:-50])
    with pytest.raises(UserError, match=r"cut.zip is not a zip, or is damaged"):
        open_folder(tmp_path / "cut.zip")
    for name in ("../cat/1.png", "/cat/1.png", "C:/cat/1.png", "cat/../../1.png"):
        with pytest.raises(UserError, match=r"out.zip holds .*; wanted: names that stay inside it"):
            open_folder(zipped(tmp_path / "out.zip", {name: picture(1)}))
    with pytest.raises(UserError, match="nowhere is not there"):
        open_folder(tmp_path / "nowhere")


def test_an_encrypted_archive_is_refused(tmp_path):
    """Python writes none, so the flag that says so is set in every entry of a plain one."""
    content = bytearray(zipped(tmp_path / "set.zip", classes()).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(mark, place + 4)
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"locked.zip is encrypted.*Unpack it and pass the folder"):
        open_folder(tmp_path / "locked.zip")


def test_damage_inside_an_archive_costs_the_files_it_hits(tmp_path):
    path = zipped(tmp_path / "set.zip", classes())
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        hit = archive.getinfo("cat/2.png")
    content[hit.header_offset + 60 : hit.header_offset + 120] = bytes(60)
    path.write_bytes(content)
    splits = open_folder(path)
    assert [file for file, _ in splits.skipped] == ["cat/2.png"]
    assert "could not be read" in splits.skipped[0][1]
    assert sum(len(p) for p in (splits.train, splits.val, splits.test)) == 11


def test_many_threads_read_one_archive(tmp_path):
    layout = {f"{i}.png": picture(i) for i in range(60)}
    source = open_source(zipped(tmp_path / "set.zip", layout))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(source.read, layout)) == list(layout.values())


def test_images_of_different_sizes_are_cut_to_one(tmp_path):
    layout = classes() | {"cat/wide.png": picture(5, (20, 90)), "dog/grey.png": picture(6, mode="L")}
    splits = open_folder(tree(tmp_path / "set", layout))
    assert splits.train.pixels.shape[1:] == (3, 64, 64)
    grey = tree(tmp_path / "grey", {f"{c}/{i}.png": picture(i, mode="L") for c in "ab" for i in range(4)})
    assert open_folder(grey).train.pixels.shape[1:] == (1, 20, 16)


def test_decoded_once_and_made_again_when_damaged_or_changed(tmp_path):
    path = tree(tmp_path / "set", classes())
    first = open_folder(path, 16)
    entry = next(p for p in (tmp_path / "cache" / "decoded").iterdir() if p.is_dir())
    (entry / "pixels.npy").write_bytes(b"broken")
    assert mapped(entry) is None
    assert torch.equal(open_folder(path, 16).train.pixels, first.train.pixels)
    (path / "cat" / "new.png").write_bytes(picture(77))
    again = open_folder(path, 16)
    assert sum(len(p) for p in (again.train, again.val, again.test)) == 13
