"""What `data check` finds in a folder is what was put there, in values and in sentences."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gradschool.data.vision.check import look_over, sentences, shortened
from gradschool.errors import UserError


@pytest.fixture
def pets(tmp_path, monkeypatch) -> Path:
    """Nine cats of 40x30 (one grey, one animated), two large dogs, a copy in the test part, one bad file."""
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)

    def save(name: str, size=(30, 40), mode="RGB", **options):
        file = tmp_path / "pets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(draw.integers(0, 256, (*size, 3), dtype=np.uint8)).convert(mode)
        image.save(file, **options)

    for i in range(7):
        save(f"train/cat/{i}.png")
    save("train/cat/grey.png", mode="L")
    save("train/cat/moves.gif", mode="P", save_all=True, append_images=[Image.new("P", (40, 30))])
    for i in range(2):
        save(f"train/dog/{i}.png", (80, 90))
        save(f"test/dog/{i}.png")
    save("test/cat/0.png")
    (tmp_path / "pets/test/cat/copy.png").write_bytes((tmp_path / "pets/train/cat/3.png").read_bytes())
    (tmp_path / "pets/train/dog/bad.jpg").write_bytes(b"")
    with io.BytesIO() as out:
        Image.new("RGB", (9, 9)).save(out, "PNG")
        (tmp_path / "pets/train/dog/cut.png").write_bytes(out.getvalue()[:40])
    return tmp_path / "pets"


def test_values(pets):
    found = look_over(pets)
    assert found["classes"] == ["cat", "dog"] and found["counts"] == {"train": [9, 2], "test": [2, 2]}
    assert found["imbalance"] == 4.5 and found["size"] == [64, 64] and found["channels"] == 3
    files = found["files"]
    assert files["smallest"] == (40, 30) and files["largest"] == (90, 80)
    assert files["modes"]["L"] == 1 and files["modes"]["P"] == 1
    assert {name for name, _ in found["skipped"]} == {"train/dog/bad.jpg", "train/dog/cut.png"}
    assert found["twins"] == [["train/cat/3.png", "test/cat/copy.png", True]]
    assert (found["leaked"], found["held_out"]) == (1, 4)


def test_sentences(pets):
    text = "\n".join(sentences(look_over(pets)))
    for part in (
        "pets: 2 classes, 11 train / 4 test, 64x64 colour",
        "40x30 to 90x80, median 40x30 pixels",
        "1 image is animated, of which the first frame is used; the first: train/cat/moves.gif.",
        "train/test of each class: cat 9/2, dog 2/2",
        "4.50 times the images of the smallest (9 and 2): consider --set balance=true",
        "left out: train/dog/bad.jpg: the file is empty (0 bytes)",
        "left out: train/dog/cut.png: ",
        "1 of 4 held-out images (25.0 %) have a twin to train on, 1 exact",
        "same: train/cat/3.png = test/cat/copy.png",
    ):
        assert part in text


def test_a_set_without_files_is_looked_over_too():
    found = look_over("digits")
    assert found["files"] is None and found["leaked"] == 0
    assert sentences(found)[-1] == "no twins between the parts (360 held-out images compared)"


def test_a_set_of_masks_is_refused_with_what_shows_it(pack, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(pack))
    with pytest.raises(UserError, match="gradschool data camvid counts its pictures"):
        look_over("camvid")


def test_long_lists_are_cut_with_a_count():
    assert shortened([str(i) for i in range(10)], "files")[-1] == "... and 2 more files"
    assert shortened(["a"], "files") == ["a"]
