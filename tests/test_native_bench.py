"""The benchmark of packed pictures in miniature: what it cuts, what it writes, and that it goes on."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from bench import common, native
from gradschool.data.vision.sized.images import open_sized

SIZES = [(12, 40), (40, 12), (24, 24)]


@pytest.fixture
def animals(tmp_path):
    """A zip as that of natural_animals: bright stripes along the longer side of a box, in two classes."""
    random, rows, place = np.random.default_rng(0), [], tmp_path / "animals.zip"
    with zipfile.ZipFile(place, "w") as file:
        for part, count in (("train", 24), ("test", 6)):
            for label, name in enumerate(("cat", "dog")):
                for i in range(count):
                    high, wide = SIZES[i % len(SIZES)]
                    pixels = random.integers(0, 60, (64, 64, 3), dtype=np.uint8)
                    pixels[4 : 4 + high, 8 : 8 + wide, label] += 150
                    out, where = io.BytesIO(), f"{part}/{name}/{i}.png"
                    Image.fromarray(pixels).save(out, "PNG")
                    file.writestr(where, out.getvalue())
                    rows.append([where, label, name, "n0", 8, 4, 8 + wide - 1, 4 + high - 1])
        table = io.StringIO()
        csv.writer(table).writerows(
            [["file", "label", "class", "wnid", "xmin", "ymin", "xmax", "ymax"], *rows]
        )
        file.writestr("index.csv", table.getvalue())
    return place


def test_both_sides_learn_and_an_interrupted_bench_goes_on(animals, tmp_path, monkeypatch):
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    # 1. Photographs cut to their boxes.
    data = native.boxes(animals, tmp_path / "boxes.zip")
    splits = open_sized(data, 96, 0.0, 0)
    assert {tuple(size) for size in splits.train.sizes.tolist()} == set(SIZES)
    assert (len(splits.train), len(splits.test)) == (48, 12)
    assert splits.train.picture(0).amax() > 100
    # 2. Both sides, for as long as each other.
    small = {"model_options": {"width": 16, "depth": 1, "heads": 2}, "batch_size": 16, "threads": 1,
             "precision": "fp32"}  # fmt: skip
    found = native.measured(str(data), seeds=2, seconds=0.4, side=32, **small)
    for row in found["rows"].values():
        assert row["native"]["parameters"] == row["square"]["parameters"]
        assert row["native"]["tested"] == row["square"]["tested"] == 12
        assert all(0.4 <= each["cpu_s"] < 9 and each["steps"] > 1 for each in row.values())
        assert all(0 <= each["accuracy"] <= 1 for each in row.values())
    assert found["native_batch"]["patches"] == pytest.approx(np.mean([10, 10, 9]), rel=0.05)
    assert found["n"] == 2 and len(found["gain"]["each"]) == 2 and found["machine"]
    # 3. Again: what is there is not measured anew; a third seed is.
    before = json.loads((tmp_path / "results/native.json").read_text())["rows"]
    again = native.measured(str(data), seeds=3, seconds=0.4, side=32, **small)
    assert {key: again["rows"][key] for key in before} == before and set(again["rows"]) == {"0", "1", "2"}
