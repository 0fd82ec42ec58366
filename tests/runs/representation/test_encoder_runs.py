"""Encoders without labels: trained for a few steps, reported on, taken up again, refused where it must be."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gradschool.data.augment.pipeline import Augment
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.vision.lenet import lenet_digits
from gradschool.models.vision.mlp import netlin
from gradschool.practice.plan.memory import opened, predict
from gradschool.practice.plan.rungs import ladder
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.runs.representation.masked import MaeRun
from gradschool.runs.representation.two_views import DinoRun, SimclrRun
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

KINDS = ("digits_simclr", "digits_mae", "digits_dino")
STEPS = 6


def quiet(text):
    """Says nothing."""


def small(name):
    """A recipe at a size that trains in a second."""
    options = {"model_options": {"patch": 4, "width": 12, "depth": 1, "heads": 1}} if "mae" in name else {}
    if "mae" not in name:
        options = {"model_options": {"width": 4}, "size": 6}
    return replace(find(name)(), batch_size=64, evaluations=1, bank=150, precision="fp32", **options)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of each kind that saved at every step."""
    root = tmp_path_factory.mktemp("runs")
    return {
        name: train(replace(small(name), save_every=0.0), Request(name, steps=STEPS, out=root / name), quiet)
        for name in KINDS
    }


@pytest.mark.parametrize("name", KINDS)
def test_a_run_says_what_its_features_know(finished, name):
    folder = finished[name]
    run, result = reopen(folder)[0], folder.read("result.json")
    scores = result["metrics"]
    assert (
        0.2 < scores["test_knn_accuracy"] <= 1
        and scores["test_loss"] > 0
        and 0 <= scores["test_spread"] < 1.5
    )
    assert result["test_images"] == 150 and 0.1 < result["untrained"] <= 1
    told = run.conclusion(result, "")
    assert "neighbours know the class of" in told and ("note" in told) == bool(result["collapsed"])
    assert run.next_step(folder).endswith(f"from_encoder --set start={folder.path}")


@pytest.mark.parametrize("name", KINDS)
def test_a_run_cut_short_goes_on_to_the_same_weights(finished, cut_short, name):
    whole = finished[name]
    place = cut_short(whole)
    folder = RunFolder.open(place)
    run, request = reopen(folder)
    resume(folder, run, request, quiet)
    one, other = (load_file(f.path / "model.safetensors") for f in (whole, folder))
    assert one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
    assert whole.read("result.json")["metrics"] == folder.read("result.json")["metrics"]


@pytest.mark.parametrize("name", KINDS)
def test_the_report_shows_what_was_learnt(finished, name):
    folder = finished[name]
    page = reopen(folder)[0].report(folder).read_text()
    wanted = {"Training curves", "Nearest neighbours", "Model", "Settings"}
    wanted |= {"Reconstructions", "Attention roll-out"} if "mae" in name else {"Views"}
    assert all(f">{title}<" in page for title in wanted)
    assert "a training picture with cosine" in page and "spread" in page


def test_what_an_encoder_cannot_is_refused_with_a_way_on(finished):
    folder = finished["digits_simclr"]
    run, _ = reopen(folder)
    for name, words in (("predict", ([], 5, None, None)), ("classifier", ())):
        with pytest.raises(
            UserError, match=r"without labels \(SimCLR\), which cannot .*from_encoder --set start="
        ):
            getattr(run, name)(folder, *words)
    with pytest.raises(UserError, match="--ood mnist was given"):
        run.report(folder, ood="mnist")


def test_a_teacher_is_what_is_kept(finished):
    model, _ = rebuilt(finished["digits_dino"], reopen(finished["digits_dino"])[0])
    assert {name.split(".")[0] for name in model.state_dict()} == {"body", "head"}
    checkpoint = sorted((finished["digits_dino"].path / "checkpoints").glob("step-*"))[-1]
    kept = load_file(checkpoint / "model.safetensors")
    assert all(torch.equal(v, kept[f"teacher.{k}"]) for k, v in model.state_dict().items())
    assert kept["centre"].abs().max() > 0


@pytest.mark.long
def test_the_encoder_is_exported(finished, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = finished["digits_simclr"]
    check = reopen(folder)[0].export(folder, tmp_path / "encoder.onnx")
    assert check.relative < 1e-3 and check.path.stat().st_size > 1000


@pytest.mark.parametrize(("kind", "words"), [(SimclrRun, "fewer negatives"), (DinoRun, "teacher and centre")])
def test_a_batch_is_not_cut_where_its_parts_are_another_loss(kind, words, monkeypatch, tmp_path):
    base = {"data": "digits", "model": lenet_digits}
    with pytest.raises(UserError, match=f"accumulate is 2; wanted: 1: .*{words}"):
        train(kind(accumulate=2, **base), Request("digits_simclr", steps=1, out=tmp_path / "run"), quiet)
    monkeypatch.setenv("WORLD_SIZE", "2")
    run = kind(**base)
    with pytest.raises(UserError, match=f"2 processes share a batch.*{words}"):
        run.loader(run.open(0), None, None, None)


def test_pictures_without_classes_will_do(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "mine").mkdir()
    for i in range(30):
        pixels = rng.integers(0, 256, (16, 16, 3)).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / "mine" / f"{i}.png")
    run = replace(small("digits_simclr"), data=str(tmp_path / "mine"), batch_size=8)
    folder = train(run, Request("digits_simclr", steps=2, out=tmp_path / "run"), quiet)
    result = folder.read("result.json")
    assert "test_knn_accuracy" not in result["metrics"] and result["metrics"]["test_loss"] > 0
    assert "neighbours" not in run.conclusion(result, "")
    assert "a neighbour" in run.report(folder).read_text()


def test_a_collapse_is_told():
    base = {"data": "digits", "model": lenet_digits}
    simclr, dino, mae = SimclrRun(**base), DinoRun(**base), MaeRun(**base)
    assert "collapsed: outputs of different pictures have a spread of 0.020" in simclr.collapsed(
        {"test_spread": 0.02}
    )
    assert "tells 0.001 nats" in dino.collapsed({"test_spread": 0.9, "test_information": 0.001})
    assert "collapsed: outputs" in dino.collapsed({"test_spread": 0.01, "test_information": 1.0})
    assert "no better than in one colour" in mae.collapsed({"test_loss": 1.0})
    for run in (simclr, dino, mae):
        assert run.collapsed({"test_spread": 0.5, "test_information": 1.0, "test_loss": 0.4}) == ""


def test_without_centring_the_teacher_says_the_same_of_all(tmp_path):
    """A centre that never moves and a teacher that is sure: one output wins, and the run says so."""
    run = replace(
        small("digits_dino"),
        centre_momentum=1.0,
        teacher_temperature=0.01,
        learning_rate=0.05,
        clip=None,
        size=None,
    )
    folder = train(run, Request("digits_dino", steps=25, out=tmp_path / "run"), quiet)
    assert "the representation has collapsed" in folder.read("result.json")["collapsed"]
    assert "the representation has collapsed" in run.conclusion(folder.read("result.json"), "")
    assert "the representation has collapsed" in run.report(folder).read_text()


def test_the_memory_of_a_step_is_predicted_and_no_cut_batch_is_advised():
    run, request = small("digits_simclr"), Request("digits_simclr")
    known = opened(run, request)
    whole = predict(run, known)
    rungs = [each.name for each in ladder(run, known, whole, whole.peak / 2)]
    assert whole.peak > whole.parameters > 0 and "activation checkpointing" in rungs
    assert not [each for each in rungs if "accumulation" in each or "sharding" in each]


def test_networks_and_sizes_that_cannot_be_are_refused(tmp_path):
    request = Request("digits_mae", steps=1, out=tmp_path / "run")
    with pytest.raises(UserError, match=r"model is lenet_digits.*plain_vit"):
        train(replace(find("digits_mae")(), model=lenet_digits, model_options={}), request, quiet)
    with pytest.raises(
        UserError, match=r"pictures have 8x8 pixels; wanted: multiples of the patch of 3 pixels"
    ):
        train(replace(find("digits_mae")(), model_options={"patch": 3, "width": 12}), request, quiet)
    with pytest.raises(UserError, match=r"decoder_width is 32.*a multiple of 3"):
        train(replace(find("digits_mae")(), decoder_heads=3), request, quiet)
    with pytest.raises(UserError, match=r"batch_size is 1.*2 or more"):
        train(replace(find("digits_simclr")(), batch_size=1), request, quiet)
    assert "both views are the same picture" in replace(find("digits_simclr")(), augment=Augment()).notes()[0]
    assert find("digits_simclr")().notes() == []


@pytest.mark.parametrize("name", [*KINDS, "animals_simclr", "animals_mae", "animals_dino"])
def test_settings_survive_the_run_folder(name, tmp_path):
    from gradschool.runs.settings import from_dict, to_dict

    run = find(name)()
    assert from_dict(type(run), json.loads(json.dumps(to_dict(run)))) == run


def test_training_is_compared_with_the_weights_it_began_with(tmp_path):
    """A run whose rate is as good as nothing ends where it began."""
    run = replace(small("digits_simclr"), learning_rate=1e-12, model=netlin, model_options={})
    folder = train(run, Request("digits_simclr", steps=2, out=tmp_path / "run"), quiet)
    result = folder.read("result.json")
    assert result["untrained"] == result["metrics"]["test_knn_accuracy"]
    assert "(before training: " in run.conclusion(result, "")
