"""Folders and zips of class folders: layouts, bad files, and sentences that name them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.data.cache import mapped
from gradschool.data.catalogue import open_set
from gradschool.data.decode import Unreadable, decoded
from gradschool.data.folder import open_folder
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


def test_a_zip_is_read_in_place_and_equals_its_folder(tmp_path):
    layout = (
        classes("train/")
        | classes("test/", 2)
        | {"__MACOSX/train/cat/._1.png": b"x", "train/.DS_Store": b"x"}
    )
    folder = open_folder(tree(tmp_path / "set", layout), val=0.0)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, content in layout.items():
            archive.writestr(name, content)
    zipped = open_folder(tmp_path / "set.zip", val=0.0)
    assert torch.equal(zipped.train.pixels, folder.train.pixels) and list(zipped.train.names) == list(
        folder.train.names
    )
    assert not list(tmp_path.glob("train"))


def test_labels_in_a_table(tmp_path):
    rows = [f"img/{i}.png,{'cat' if i % 2 else 'dog'},{'test' if i > 7 else 'train'}" for i in range(10)]
    table = "file,class,split\n" + "\n".join([*rows, "img/99.png,cat,train"])
    layout = {f"img/{i}.png": picture(i) for i in range(10)} | {"labels.csv": table.encode()}
    splits = open_folder(tree(tmp_path / "set", layout), val=0.0)
    assert (len(splits.train), len(splits.test)) == (8, 2)
    assert splits.skipped == [("img/99.png", "named in labels.csv, but not there")]
    (tmp_path / "set" / "labels.csv").write_text("file,class\nimg/1.png,\n")
    with pytest.raises(UserError, match=r"line 2: img/1.png has no class"):
        open_folder(tmp_path / "set")


def test_unusable_files_are_left_out_with_the_reason(tmp_path):
    good = picture(1)
    layout = classes() | {"cat/empty.png": b"", "cat/cut.jpg": picture(2, (200, 200), kind="JPEG")[:3000],
                          "dog/text.jpg": b"hello", "loose.png": good}  # fmt: skip
    splits = open_folder(tree(tmp_path / "set", layout))
    reasons = dict(splits.skipped)
    assert "0 bytes" in reasons["cat/empty.png"] and "cut off after 3 KB" in reasons["cat/cut.jpg"]
    assert "not an image" in reasons["dog/text.jpg"] and "class folder" in reasons["loose.png"]
    assert sum(len(p) for p in (splits.train, splits.val, splits.test)) == 12


@pytest.mark.parametrize("mode", ["CMYK", "P", "L", "1", "RGBA", "LA"])
def test_every_mode_becomes_eight_bit(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    pixels = decoded(picture(0, mode=mode, kind=kind), 16)
    assert pixels.dtype == np.uint8 and pixels.shape == (16, 16, 1 if mode in ("L", "1") else 3)


def test_sixteen_bits_animation_and_transparency():
    deep = Image.fromarray((np.arange(256, dtype=np.uint16) * 257).reshape(16, 16))
    with io.BytesIO() as out:
        deep.save(out, "PNG")
        assert decoded(out.getvalue())[..., 0].ravel().tolist() == list(range(256))
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    with io.BytesIO() as out:
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
        assert decoded(out.getvalue())[0, 0].tolist() == [255, 0, 0]  # the first frame
    with io.BytesIO() as out:
        Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(out, "PNG")
        assert decoded(out.getvalue()).min() == 255  # clear becomes white


def test_a_decompression_bomb_is_refused_unread(monkeypatch):
    monkeypatch.setattr("gradschool.data.decode.LARGEST", 100)
    with pytest.raises(Unreadable, match="too many"):
        decoded(picture(0))


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


def test_bad_archives_are_refused(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    with pytest.raises(UserError, match="not a zip"):
        open_folder(tmp_path / "no.zip")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("../cat/1.png", picture(1))
    with pytest.raises(UserError, match="stay inside"):
        open_folder(tmp_path / "out.zip")
    with pytest.raises(UserError, match="not there"):
        open_folder(tmp_path / "nowhere")


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


def test_names_are_found_whatever_their_spelling(tmp_path, monkeypatch):
    assert len(open_set("Digits", val=0.0).train) == 1437
    with pytest.raises(UserError, match="Did you mean mnist"):
        open_set("mnits")
    with pytest.raises(UserError, match=r"Fashion-MNIST is not here.*gradschool data fashion"):
        monkeypatch.setattr("gradschool.data.catalogue.located", lambda info: None)
        open_set("fashion-mnist")
