"""Runs on pictures of different sizes: what only their shape tells is learnt; resumed, reported, asked."""

import json

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.vision.packed_vit import packed_vit
from gradschool.models.vision.resnet9 import resnet9
from gradschool.recipes import on
from gradschool.runs.classification.native import NativeRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Noise, wide or tall: cut to a square, nothing would tell the classes apart."""
    place, draw = tmp_path_factory.mktemp("own"), torch.Generator().manual_seed(0)
    for i in range(80):
        long, short = (int(torch.randint(*each, (1,), generator=draw)) for each in ((17, 33), (6, 13)))
        size = (short, long) if i % 2 else (long, short)
        pixels = torch.randint(256, (*size, 3), generator=draw).byte().numpy()
        (place / ("tall", "wide")[i % 2]).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(place / ("tall", "wide")[i % 2] / f"{i}.png")
    return place


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def settings(own, **changes):
    return NativeRun(**{
        "data": str(own), "model": packed_vit, "model_options": {"width": 16, "depth": 2, "heads": 2},
        "patch": 4, "longest": 24, "batch_size": 16, "learning_rate": 1e-2, "threads": 1, "precision": "fp32",
        "evaluations": 1, "val": 0.0, **changes,
    })  # fmt: skip


def trained(run, out, steps):
    return train(run, Request("native", steps=steps, device="cpu", out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def finished(own, tmp_path_factory):
    return trained(settings(own), tmp_path_factory.mktemp("runs") / "native", 40)


def test_what_only_the_shape_tells_is_learnt(finished, own):
    result = finished.read("result.json")
    assert result["metrics"]["test_accuracy"] > 0.9 and result["tested"] == 16
    assert result["baseline"]["share"] == 0.5
    told = reopen(finished)[0].conclusion(result, "")
    assert "of 16 test images" in told and "the largest class" in told
    page = reopen(finished)[0].report(finished).read_text()
    for title in ("Classes", "Training curves", "Settings"):
        assert f'-title">{title}</h2>' in page, title


def test_pictures_share_rows(own):
    run = settings(own)
    splits = run.open(0)
    packing = run.pipeline(splits.train)
    assert packing.length == 36  # a picture of 24 x 24 has 6 x 6 patches
    for x, _, number, labels in run.loader(splits, packing, Request("native"), None).epoch(0):
        assert len(labels) == 16 and len(x) < 12 and x.shape[1] <= 36
        assert number.unique().tolist() == list(range(-1, 16))


def test_pictures_of_any_size_are_classified_as_in_the_test(finished, own, tmp_path, capsys):
    Image.new("RGB", (300, 90), (90, 80, 70)).save(tmp_path / "large.png")
    (tmp_path / "broken.png").write_bytes(b"none")
    files = [own / "tall/2.png", own / "wide/7.png", tmp_path / "large.png", tmp_path / "broken.png"]
    with pytest.raises(SystemExit):
        main(["predict", str(finished.path), *map(str, files), "--json"])
    said = capsys.readouterr()
    found = json.loads(said.out.splitlines()[-1])
    best = [each["top"][0]["class"] for each in found["predictions"]]
    assert best[:2] == ["tall", "wide"] and len(best) == 3 and "broken.png" in said.err
    assert sum(each["probability"] for each in found["predictions"][0]["top"]) == pytest.approx(1)


def test_resumed_equals_uninterrupted(own, tmp_path, cut_short):
    whole = trained(settings(own, save_every=0.0, ema=0.9), tmp_path / "whole", 4)
    place = RunFolder.open(cut_short(whole))
    resume(place, *reopen(place), say=lambda text: None)
    first, second = (load_file(each.path / "model.safetensors") for each in (whole, place))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert whole.read("result.json")["metrics"] == place.read("result.json")["metrics"]


def test_what_cannot_be_done_is_refused(own, tmp_path):
    for changes, said in (({"model": resnet9, "model_options": {}}, "takes no pictures of different sizes"),
                          ({"accumulate": 2}, "a row of patches cannot be cut")):  # fmt: skip
        with pytest.raises(UserError, match=said):
            trained(settings(own, **changes), tmp_path / "never", 1)
    assert on("native", str(own)).data == str(own)
