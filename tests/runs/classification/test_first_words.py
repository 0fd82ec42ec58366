"""What the terminal says of a classifier's run: few pictures, over-fitting, a second set, what comes next."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.cli.main import main
from gradschool.cli.runs.train import Args, after
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.recipes import find

LITE = Path(os.environ.get("GRADSCHOOL_DATA", "")) / "weights" / "tf_efficientnet_lite0.safetensors"


def splits(each: int, channels: int = 3, classes: int = 2) -> Splits:
    labels = torch.arange(classes).repeat_interleave(each)
    pixels = torch.randint(0, 256, (len(labels), channels, 8, 8), dtype=torch.uint8)
    images = Images(pixels, labels, tuple("abcdef"[:classes]))
    return Splits("mine", images, None, images)


@pytest.fixture
def painted(tmp_path):
    """Two colours, 8 pictures of each to train on and 4 to test on; and a second set of the same."""
    rng = np.random.default_rng(0)
    for root, parts in (("paint", (("train", 8), ("test", 4))), ("faded", (("train", 6), ("test", 2)))):
        for part, n in parts:
            for name, colour in (("red", (180, 60, 60)), ("green", (60, 180, 60))):
                (tmp_path / root / part / name).mkdir(parents=True)
                for i in range(n):
                    pixels = np.clip(rng.normal(colour, 40, (24, 24, 3)), 0, 255).astype("uint8")
                    Image.fromarray(pixels).save(tmp_path / root / part / name / f"{i}.png")
    return tmp_path


def call(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_few_colour_pictures_a_class_suggest_transfer():
    from dataclasses import replace

    run = replace(find("folder")(), data="/my pictures/pets")
    [told] = run.warnings(splits(each=30))
    assert "30 training pictures a class" in told
    assert told.endswith("gradschool train transfer --data '/my pictures/pets'")
    assert run.warnings(splits(each=300)) == [] and run.warnings(splits(each=30, channels=1)) == []
    pytest.importorskip("timm")
    assert find("transfer")().warnings(splits(each=30)) == []


@pytest.mark.parametrize(("train", "is_told"), [(0.99, True), (0.70, False)])
def test_over_fitting_is_said(train, is_told):
    metrics = {"test_accuracy": 0.5, "train_accuracy": train}
    result = {"metrics": metrics, "interval": [0.43, 0.61], "test_images": 90, "seconds": 3.0}
    told = find("folder")().conclusion(result, "")
    assert told.startswith(" accuracy 50.0 % of 90 test images")
    assert ("over-fitting: 99.0 % of the training pictures" in " ".join(told.split())) is is_told


def test_after_the_first_recipe_comes_the_course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADSCHOOL_WORK", raising=False)
    run, folder = find("digits")(), SimpleNamespace(path=Path("runs/digits-0001"))
    assert after(Args("digits"), run, folder) == "write one line of it yourself: gradschool start neurons"
    assert after(Args("mnist"), run, folder) == "gradschool predict runs/digits-0001 FILE..."
    (tmp_path / "gradschool-work").mkdir()
    assert after(Args("digits"), run, folder) == "gradschool predict runs/digits-0001 FILE..."


@pytest.mark.long
def test_a_second_set_is_told_in_the_terminal_and_no_augmentation_is_shown(painted, monkeypatch, capsys):
    monkeypatch.chdir(painted)
    words = ["--set", "image_size=16", "--set", "ema=none", "--set", "augment.flip=false"]
    words += [
        "--set",
        "augment.crop_padding=0",
        "--set",
        "val=0.0",
        "--steps",
        "6",
        "--ood",
        "faded",
        "--json",
    ]
    code, out, err = call(capsys, "train", "folder", "--data", "paint", "--out", "r", *words)
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])["ood"]
    home, away = found["home"][0], found["away"][0]
    assert 0 <= home <= 1 and 0 <= away <= 1
    shown = " ".join(out.split())
    assert f"ood On the 2 shared classes accuracy goes from {100 * home:.1f} % to {100 * away:.1f} %" in shown
    page = Path("r/report.html").read_text(encoding="utf-8")
    assert "Out of distribution" in page and ">Augmentation<" not in page
    assert json.loads(Path("r/ood.json").read_text())["set"] == "faded"


@pytest.mark.slow
@pytest.mark.skipif(not LITE.is_file(), reason="the weights of EfficientNet-Lite0 are not in GRADSCHOOL_DATA")
def test_few_photographs_with_learnt_weights(painted, monkeypatch, capsys):
    pytest.importorskip("timm")
    monkeypatch.chdir(painted)
    words = ["--set", "backbone=tf_efficientnet_lite0", "--set", f"weights={LITE}", "--set", "image_size=64"]
    words += ["--set", "mode=frozen", "--epochs", "8", "--no-report", "--json"]
    code, out, err = call(capsys, "train", "transfer", "--data", "paint", *words)
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["metrics"]["test_accuracy"] >= 0.75
