"""NumPy files as data sets, and pictures without classes: what is read, what is refused in one sentence."""

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.data.vision.open import open_set
from gradschool.data.vision.pictures import open_pictures, squares
from gradschool.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)


def medmnist(path, labels=14, shape=(28, 28), **changes):
    """A file as MedMNIST writes them, with random pictures."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 12), ("val", 3), ("test", 5)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
        arrays[f"{part}_labels"] = rng.integers(0, 2, (n, labels), dtype=np.uint8)
    arrays |= changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{name: value for name, value in arrays.items() if value is not None})
    return arrays


def test_chestmnist_is_read_by_path_and_by_name(tmp_path, monkeypatch):
    truth = medmnist(tmp_path / "pack" / "chestmnist.npz")
    by_path = open_set(str(tmp_path / "pack" / "chestmnist.npz"))
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    for splits in (by_path, open_set("chestmnist"), open_pictures("chestmnist")):
        assert [len(p) for p in (splits.train, splits.val, splits.test)] == [12, 3, 5]
        assert torch.equal(splits.test.pixels[:, 0], torch.from_numpy(truth["test_images"]))
        assert splits.train.labels.tolist() == truth["train_labels"].any(1).astype(int).tolist()
        assert splits.train.classes == ("no finding", "finding")


def test_other_medmnist_sets_keep_their_classes_and_colours(tmp_path):
    truth = medmnist(tmp_path / "blood.npz", labels=1, shape=(28, 28, 3), val_images=None)
    splits = open_set(tmp_path / "blood.npz", val=0.25)
    assert splits.train.pixels.shape[1:] == (3, 28, 28) and splits.val is not None and len(splits.val) == 3
    assert torch.equal(splits.test.pixels[0, 2], torch.from_numpy(truth["test_images"][0, :, :, 2]))
    assert splits.test.labels.tolist() == truth["test_labels"][:, 0].tolist()


FEW = np.zeros((4, 28, 28), np.uint8)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"test_images": None}, "has no test_images"),
        ({"train_images": FEW}, "4 train_images and 12 train_labels"),
        ({"train_images": np.array([{"a": 1}] * 12, object)}, "plain numbers"),
        ({"train_images": np.zeros((12, 784), np.uint8)}, r"shape \(12, 784\)"),
        ({"test_images": np.full((5, 28, 28), 300, np.int64)}, "from 300 to 300"),
        ({"test_images": np.zeros((5, 32, 32), np.uint8)}, "different shapes"),
    ],
)
def test_what_is_no_medmnist_file_is_refused_in_one_sentence(tmp_path, changes, told):
    medmnist(tmp_path / "x.npz", **changes)
    with pytest.raises(UserError, match=told):
        open_set(str(tmp_path / "x.npz"))


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 not a zip")
    (tmp_path / "x.npy").write_bytes(b"")
    for name in ("x.npz", "x.npy"):
        with pytest.raises(UserError, match=rf"{name} cannot be read"):
            open_pictures(str(tmp_path / name))


def test_a_stack_is_cut_in_two_and_fractions_become_bytes(tmp_path):
    pictures = np.random.default_rng(0).random((10, 8, 8))
    np.save(tmp_path / "brains.npy", pictures)
    splits = open_pictures(tmp_path / "brains.npy", val=0.0)
    assert (len(splits.train), splits.val, len(splits.test)) == (8, None, 2)
    both = torch.cat([splits.train.pixels, splits.test.pixels]).double().sum()
    assert both == torch.from_numpy(np.rint(pictures * 255)).sum()


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        (np.zeros((1, 8, 8)), "holds 1 picture"),
        (np.full((4, 8, 8), np.nan), "from nan to nan"),
        (np.full((4, 8, 8), -1.0), "from -1 to -1"),
        (np.zeros((4, 8)), r"the shape \(4, 8\)"),
    ],
)
def test_what_is_no_stack_of_pictures_is_refused(tmp_path, stack, told):
    np.save(tmp_path / "x.npy", stack)
    with pytest.raises(UserError, match=told):
        open_pictures(tmp_path / "x.npy")


def test_a_folder_without_class_folders_is_one_class(tmp_path):
    for i in range(10):
        Image.fromarray(np.full((9, 9), 20 * i, np.uint8)).save(tmp_path / f"hand_{i}.png")
    splits = open_pictures(tmp_path, val=0.0)
    assert splits.train.classes == (tmp_path.name,) and len(splits.train) + len(splits.test) == 10
    with pytest.raises(UserError, match="none an image in a class folder"):
        open_set(tmp_path)


def test_squares_are_cut_in_reading_order():
    picture = torch.arange(2 * 6 * 6, dtype=torch.uint8).view(2, 1, 6, 6)
    found = squares(picture, 4, 2)
    places = [(i, y, x) for i in range(2) for y in (0, 2) for x in (0, 2)]
    assert len(found) == len(places)
    for square, (i, y, x) in zip(found, places, strict=True):
        assert torch.equal(square, picture[i, :, y : y + 4, x : x + 4])


@pytest.mark.pack
def test_membranes_are_cut_into_squares(monkeypatch, pack):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(pack))
    splits = open_pictures("membrane", val=0.0)
    assert splits.train.pixels.shape == (24 * 225, 1, 64, 64) and len(splits.test) == 6 * 64
    with pytest.raises(UserError, match="squares of 600 pixels do not fit"):
        open_pictures("membrane", size=600)
