"""The benchmark of packed pictures in miniature: what it cuts, what it writes, and that it goes on."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from bench import common, native, pooled
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
    found = native.measured(str(data), seeds=2, seconds=0.4, side=32, width=4, **small)
    for row in found["rows"].values():
        assert row["native"]["parameters"] == row["square"]["parameters"]
        assert {each["tested"] for each in row.values()} == {12}
        assert set(row) == {"native", "square", "mean", "pyramid", "stretched"}
        assert row["mean"]["parameters"] == row["stretched"]["parameters"] < row["pyramid"]["parameters"]
        assert all(0.4 <= each["cpu_s"] < 9 and each["steps"] > 1 for each in row.values())
        assert all(0 <= each["accuracy"] <= 1 for each in row.values())
    assert found["native_batch"]["patches"] == pytest.approx(np.mean([10, 10, 9]), rel=0.05)
    assert found["n"] == 2 and len(found["gain"]["each"]) == 2 and found["machine"]
    ahead = [row["pyramid"]["accuracy"] - row["stretched"]["accuracy"] for row in found["rows"].values()]
    assert found["pooled_gain"]["pyramid"]["each"] == ahead
    assert found["pixels"] == {"native": pytest.approx(np.mean([480, 480, 576])), "square": 1024}
    # 3. Again: what is there is not measured anew; a third seed is.
    before = json.loads((tmp_path / "results/native.json").read_text())["rows"]
    again = native.measured(str(data), seeds=3, seconds=0.4, side=32, width=4, **small)
    assert {key: again["rows"][key] for key in before} == before and set(again["rows"]) == {"0", "1", "2"}


@pytest.mark.parametrize("pooling", ["mean", "pyramid"])
def test_a_picture_has_the_same_answer_alone_and_beside_larger_ones(pooling):
    torch.manual_seed(0)
    net = pooled.PooledNet(5, 4, pooling).eval()
    for value in net.parameters():
        value.data += 0.1 * torch.randn_like(value)
    packing = pooled.Padding(8, 1, (0.4, 0.5, 0.6), (0.2, 0.3, 0.2))
    pictures = [torch.randint(256, (3, h, w), dtype=torch.uint8) for h, w in ((12, 40), (33, 17), (24, 24))]
    pixels, sizes, labels = packing.rows(pictures, torch.tensor([1, 0, 2]))
    assert pixels.shape == (3, 3, 33, 40) and sizes.tolist() == [[12, 40], [33, 17], [24, 24]]
    assert labels.tolist() == [1, 0, 2]
    with torch.inference_mode():
        together = net(pixels, sizes)
        for i, picture in enumerate(pictures):
            one, size, _ = packing.rows([picture], torch.tensor([0]))
            # Convolutions of other shapes sum in another order: float32.
            torch.testing.assert_close(net(one, size)[0], together[i], atol=1e-4, rtol=1e-4)
            wanted = (picture.double() / 255 - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / 0.25
            assert one.shape[1:] == picture.shape and torch.corrcoef(torch.stack([
                one[0, 1].flatten().double(), wanted[1].flatten()]))[0, 1] > 0.999  # fmt: skip


def test_the_pyramid_is_the_largest_of_each_cell():
    x = torch.arange(64.0).view(1, 8, 8)
    found = pooled.pyramid(x)
    assert found[0] == 63 and found[1:5].tolist() == [27, 31, 59, 63]
    assert found[5:].tolist() == [16 * r + 2 * c + 9 for r in range(4) for c in range(4)]


def test_squares_are_stretched_to_one_side():
    packing = pooled.Padding(8, 1, (0.0,) * 3, (1.0,) * 3, square=16)
    picture = torch.full((3, 10, 30), 51, dtype=torch.uint8)
    pixels, sizes, _ = packing.rows([picture], torch.tensor([0]))
    assert sizes.tolist() == [[16, 16]] and torch.allclose(pixels, torch.full((1, 3, 16, 16), 0.2))
