"""Sets by name: found whatever the spelling and wherever they lie, read from every form they come in."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.data.catalogue import all_sets, find, located
from gradschool.data.vision import folder
from gradschool.data.vision.idx import NAMES, read_idx
from gradschool.data.vision.open import open_set
from gradschool.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)


def idx(values: np.ndarray) -> bytes:
    return (
        struct.pack(">HBB", 0, 8, values.ndim)
        + struct.pack(f">{values.ndim}I", *values.shape)
        + values.tobytes()
    )


def idx_set(folder: Path, n: int = 20, ending: str = ".gz") -> np.ndarray:
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (n, 28, 28), dtype=np.uint8)
    for images, labels in NAMES.values():
        for name, values in ((images, pixels), (labels, np.arange(n, dtype=np.uint8) % 10)):
            content = idx(values)
            (folder / f"{name}{ending}").write_bytes(gzip.compress(content, mtime=0) if ending else content)
    return pixels


def picture(seed: int) -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    with io.BytesIO() as out:
        Image.fromarray(values).save(out, "PNG")
        return out.getvalue()


@pytest.mark.parametrize("info", all_sets(), ids=lambda info: info.name)
def test_every_set_says_what_it_is_and_how_it_is_checked(info):
    assert info.name == info.name.lower() and info.title and info.licence and info.source
    assert info.files or info.packs or info.places or info.name == "digits"
    for file in info.files:
        if file.url.startswith("npm:"):
            package, _, version = file.url.removeprefix("npm:").rpartition("@")
            assert file.name == f"{package.rpartition('/')[2]}-{version}.tgz"
        else:
            assert file.url.startswith("http") and file.name in file.url
        kind, _, value = (file.checksum or "none:").partition(":")
        assert len(value) == {"md5": 32, "sha256": 64, "none": 0}[kind]


def test_checksums_agree_with_torchvision():
    """Where torchvision has the same files."""
    from torchvision.datasets import KMNIST, MNIST, FashionMNIST, Food101

    for name, peer in (("mnist", MNIST), ("fashion", FashionMNIST), ("kmnist", KMNIST)):
        ours = {file.name: file.checksum for file in find(name).files}
        assert ours == {file: f"md5:{md5}" for file, md5 in peer.resources}
    assert find("food101").files[0].checksum == f"md5:{Food101._MD5}"


def test_names_are_found_whatever_their_spelling():
    assert len(open_set("Digits", val=0.0).train) == 1437
    assert find("Natural-Animals") is find("natural_animals") and find("CIFAR 10").name == "cifar10"
    with pytest.raises(UserError, match="Did you mean mnist"):
        open_set("mnits")


@pytest.mark.parametrize("info", [i for i in all_sets() if i.files or i.packs], ids=lambda info: info.name)
def test_what_is_not_here_says_how_to_bring_it(info, monkeypatch):
    monkeypatch.setattr("gradschool.data.catalogue.located", lambda info: None)
    with pytest.raises(UserError) as told:
        open_set(info.name)
    assert str(told.value).startswith(f"{info.title} is not here")
    for file in info.files:
        assert file.name in str(told.value)
    assert (f"gradschool data fetch {info.name}" if info.files else "GRADSCHOOL_DATA") in str(told.value)


def test_a_pack_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", "no/such/folder")
    with pytest.raises(UserError, match="GRADSCHOOL_DATA is no/such/folder, which is no folder"):
        open_set("natural_animals")


@pytest.mark.parametrize("ending", [".gz", ""])
def test_idx_files_are_read_gzipped_and_plain(tmp_path, monkeypatch, ending):
    pixels = idx_set(tmp_path / "pack" / "KMNIST", ending=ending)
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    splits = open_set("kmnist", val=0.5)
    assert [len(p) for p in (splits.train, splits.val, splits.test)] == [10, 10, 20]
    assert torch.equal(splits.test.pixels[:, 0], torch.from_numpy(pixels))
    assert splits.test.labels.tolist() == [i % 10 for i in range(20)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b",
        b"plain text",
        gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc", mtime=0),
        gzip.compress(b"x" * 99, mtime=0)[:-9],
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content):
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte.gz is damaged"):
        read_idx(tmp_path / "train-labels-idx1-ubyte.gz")


def test_cifar_is_read_from_its_binary_version(tmp_path, monkeypatch):
    rows = np.random.default_rng(0).integers(0, 10, (10, 3073), dtype=np.uint8)
    folder = tmp_path / "pack" / "cifar10" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        rows.tofile(folder / f"{name}.bin")
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    splits = open_set("cifar10", val=0.0)
    assert splits.train.pixels.shape == (20, 3, 32, 32) and splits.test.labels.tolist() == rows[:, 0].tolist()
    assert splits.test.pixels[3, 1, 0, 5] == rows[3, 1 + 1024 + 5]  # green, first row


def test_food101_is_cut_as_its_lists_say(tmp_path, monkeypatch):
    root = tmp_path / "pack" / "food-101"
    lists = {"train": ["pizza/1", "pizza/2", "sushi/1", "sushi/9"], "test": ["pizza/3", "sushi/3"]}
    for part, lines in lists.items():
        (root / "meta").mkdir(parents=True, exist_ok=True)
        (root / "meta" / f"{part}.txt").write_text("\n".join(lines) + "\n")
    for i, name in enumerate(["pizza/1", "pizza/2", "pizza/3", "pizza/4", "sushi/1", "sushi/3"]):
        (root / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "images" / f"{name}.jpg").write_bytes(picture(i))
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    splits = open_set("food101", val=0.0)
    assert [n.split("images/")[1] for n in splits.train.names] == [
        "pizza/1.jpg",
        "pizza/2.jpg",
        "sushi/1.jpg",
    ]
    assert len(splits.test) == 2 and splits.train.classes == ("pizza", "sushi")
    assert [(f.split("images/")[1], "not there" in why) for f, why in splits.skipped] == [
        ("sushi/9.jpg", True)
    ]
    (root / "meta" / "test.txt").unlink()
    with pytest.raises(UserError, match=r"lacks meta/test.txt"):
        open_set("food101")


@pytest.mark.parametrize(
    ("name", "archives"),
    [
        ("hymenoptera", {"hymenoptera_data.zip": ["hymenoptera_data/train", "hymenoptera_data/val"]}),
        ("natural_image_net", {"NaturalImageNetTrain.zip": ["NaturalImageNetTrain"],
                               "NaturalImageNetTest.zip": ["NaturalImageNetTest"]}),
    ],
)  # fmt: skip
def test_archives_brought_by_hand_are_unpacked_and_read(tmp_path, monkeypatch, name, archives):
    """The layouts of the published archives, with a few small pictures; their checksums stand aside."""
    info = find(name)
    monkeypatch.setattr("gradschool.data.fetch.check", lambda file, path: None)
    place = tmp_path / "cache" / info.name
    place.mkdir(parents=True)
    for number, (archive, folders) in enumerate(archives.items()):
        with zipfile.ZipFile(place / archive, "w") as opened:
            for folder in folders:
                for kind in ("ants", "bees"):
                    for i in range(3):
                        opened.writestr(f"{folder}/{kind}/{i}.png", picture(100 * number + i))
    splits = open_set(name, val=0.0)
    assert (len(splits.train), len(splits.test)) == (6, 6) and splits.train.classes == ("ants", "bees")
    assert not list(place.glob("*.zip")) and located(info) == place


def test_domains_are_folders_of_one_zip(tmp_path, monkeypatch):
    pack = tmp_path / "pack" / "domain-shift-animals"
    pack.mkdir(parents=True)
    folders = {"photo": "photo", "painting": "art_painting", "cartoon": "cartoon", "sketch": "sketch"}
    with zipfile.ZipFile(pack / "domain-shift-animals.zip", "w") as opened:
        opened.writestr("index.csv", "file,label,class,domain\n")
        for number, folder_ in enumerate(folders.values()):
            for kind in ("dog", "horse"):
                for i in range(5):
                    opened.writestr(f"{folder_}/{kind}/{i}.png", picture(100 * number + i))
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    for name, folder_ in folders.items():
        splits = open_set(f"animals_{name}", val=0.0)
        assert (len(splits.train), len(splits.test), splits.train.classes) == (8, 2, ("dog", "horse"))
        assert {file.split("/")[0] for file in splits.train.names} == {folder_} and splits.skipped == []
    with zipfile.ZipFile(pack / "domain-shift-animals.zip", "w") as opened:
        opened.writestr("photo/dog/0.png", picture(0))
    with pytest.raises(UserError, match=r"domain-shift-animals\.zip has no folder sketch"):
        open_set("animals_sketch")


@pytest.mark.long
@pytest.mark.pack
@pytest.mark.parametrize(
    ("name", "train", "test", "shape", "classes"),
    [
        ("natural-animals", 8999, 1000, (3, 64, 64), 20),
        ("drawn_animals", 209, 53, (3, 64, 64), 20),
        ("mnist", 60000, 10000, (1, 28, 28), 10),
        pytest.param("cifar10", 50000, 10000, (3, 32, 32), 10, marks=pytest.mark.slow),
        ("kmnist10k", 8000, 2000, (1, 28, 28), 10),
        ("fewshot_animals", 3200, 800, (3, 84, 84), 16),
        ("animals_painting", 384, 96, (3, 96, 96), 4),
    ],
)
def test_the_packs_sets_are_all_there(pack, monkeypatch, name, train, test, shape, classes):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(pack))
    splits = open_set(name, val=0.0)
    assert (len(splits.train), len(splits.test)) == (train, test)
    assert tuple(splits.train.pixels.shape[1:]) == shape and len(splits.train.classes) == classes
    if name == "natural-animals":
        monkeypatch.setattr(folder, "decode_all", None)  # mapped from the cache, not decoded again
        again = open_set(name, val=0.0)
        assert torch.equal(again.train.pixels[:9], splits.train.pixels[:9])


def test_debians_fashion_mnist_is_found():
    if not Path(find("fashion").places[0]).is_dir():
        pytest.skip("Debian's dataset-fashion-mnist is not installed")
    splits = open_set("fashion-mnist", val=0.0)
    assert (len(splits.train), len(splits.test)) == (60000, 10000)
    assert splits.train.labels.bincount().tolist() == [6000] * 10
