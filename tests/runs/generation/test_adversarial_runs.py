"""A GAN's run from start to report on 8x8 digits, its sentences, and every recipe's settings."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch
from asking import draw
from PIL import Image

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.models.generative.dcgan import sn_dcgan
from gradschool.models.generative.gan import mlp_gan
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation import judge
from gradschool.runs.generation.adversarial import GanRun
from gradschool.runs.generation.ask import Ask
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import from_dict, to_dict
from gradschool.runs.train import resume, train

NAMES = ["gan_mnist", "cgan_mnist", "dcgan_mnist", "dcgan_cifar10", "dcgan_cifar10_gpu", "wgan_gp_mnist"]
SMALL = {"widths": [64, 64], "latent": 8}


def small(**changes):
    usual = {
        "data": "digits", "model": mlp_gan, "model_options": SMALL, "precision": "fp32", "shown": 9,
        "learning_rate": 2e-3, "ema": 0.95, "evaluations": 1, "threads": 1,
    }  # fmt: skip
    return replace(find("cgan_mnist")(), **usual, **changes)


def quick(epochs, run, images, made=judge.eye):
    """The judge that would be trained, but for so many epochs."""
    return replace(made(run, images), epochs=epochs)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A conditional run of a few steps with its classifier, in a cache of its own."""
    root = tmp_path_factory.mktemp("gan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", str(root / "cache"))
        patch.setattr(judge, "eye", partial(quick, 4))
        request = Request("cgan_mnist", steps=600, out=root / "run")
        folder = train(replace(small(), evaluations=4, counted=50), request, say=lambda text: None)
        run, _ = reopen(folder)
        run.report(folder)
        yield folder


@pytest.mark.long
def test_run_leaves_scores_sheets_and_a_report(finished):
    metrics = finished.read("result.json")["metrics"]
    names = {"errD", "errG", "D(x)", "D(G(z))", "distance", "covered", "sure", "class_kl", "obeyed"}
    assert {f"test_{name}" for name in names} <= metrics.keys()
    lines = [json.loads(line) for line in (finished.path / "metrics.jsonl").read_text().splitlines()]
    logged = {"errD", "errG", "D(x)", "D(G(z)) before", "D(G(z)) after", "distance", "diversity"}
    assert all(logged <= line.keys() for line in lines if "lr" in line)
    assert len(list((finished.path / "samples").glob("*.png"))) == 4
    page = (finished.path / "report.html").read_text()
    for title in ("The game", "New pictures", "Over the training", "Slope of the discriminator", "Modes"):
        assert f">{title}<" in page
    assert "end of the game" in page and "lenet_digits of our own" in page


@pytest.mark.long
def test_sampling_uses_the_averaged_weights(finished):
    model, _ = rebuilt(finished, reopen(finished)[0])
    tensors, _ = finished.checkpoints.load("last")
    for name, value in model.generator.state_dict().items():
        assert torch.equal(value, tensors["generator.ema"][name])
    assert any(not torch.equal(tensors["generator"][n], v) for n, v in tensors["generator.ema"].items())


@pytest.mark.long
def test_who_stops_the_classifiers_training_was_told_of_it_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(judge, "eye", partial(quick, 1))
    whole, said, where = train, [], tmp_path / "run"

    def stopped(*args, **rest):
        assert "Training the classifier that counts classes" in said[-1]
        raise WorkFailed(
            "Stopped at step 3 of 9; everything is saved", "", "Go on with --resume cache/judge."
        )

    monkeypatch.setattr("gradschool.runs.generation.judge.train", stopped)
    told = (
        rf"classifier that counts .* \(gradschool sample {where}\)\..* gradschool train --resume {where}\.?$"
    )
    with pytest.raises(WorkFailed, match=told):
        train(small(counted=20), Request("cgan_mnist", steps=2, out=where), say=said.append)
    folder = RunFolder.open(where)
    # 1. It is a run to draw from.
    before = draw(folder, Wanted(n=4), tmp_path / "a.png").read_bytes()
    # 2. Taken up again it has no step to make, and ends as the same generator.
    monkeypatch.setattr("gradschool.runs.generation.judge.train", whole)
    resume(folder, *reopen(folder), say=said.append)
    assert "Going on from step 2 of 2." in said and "test_covered" in folder.read("result.json")["metrics"]
    assert draw(folder, Wanted(n=4), tmp_path / "b.png").read_bytes() == before
    # 3. A second generator of the set finds the classifier trained, and nothing is said.
    count = sum("Training the classifier" in line for line in said)
    train(small(counted=20), Request("cgan_mnist", steps=1, out=tmp_path / "next"), say=said.append)
    assert count == 2 == sum("Training the classifier" in line for line in said)


@pytest.mark.long
def test_samples_of_one_class_and_a_walk(finished, tmp_path):
    first = draw(finished, Wanted(n=4, label="3"), tmp_path / "a.png").read_bytes()
    assert first == draw(finished, Wanted(n=4, label="3"), tmp_path / "b.png").read_bytes()
    assert first != draw(finished, Wanted(n=4, label="4"), tmp_path / "c.png").read_bytes()
    film = Image.open(draw(finished, Wanted(n=4, film=True), tmp_path / "walk.gif"))
    assert film.n_frames > 20


@pytest.mark.long
def test_every_frame_of_a_walk_is_as_random_as_the_first(finished):
    run, model = reopen(finished)[0], rebuilt(finished, reopen(finished)[0])[0]
    seen = []
    model.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        run.film(model, Ask(400, torch.Generator().manual_seed(0), torch.zeros(400, dtype=torch.int64)))
    # 3,200 normal numbers a frame: their mean square errs by sqrt(2 / 3200) = 0.025.
    assert all(z.square().mean().item() == pytest.approx(1, abs=0.1) for z in seen)


@pytest.mark.parametrize("name", NAMES)
def test_settings_of_every_recipe_survive_their_file(name):
    run = find(name)()
    assert isinstance(run, GanRun) and from_dict(GanRun, to_dict(run)) == run


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_builds_within_the_limit(name):
    run, shape = find(name)(), (3, 32, 32) if "cifar" in name else (1, 28, 28)
    with torch.device("meta"):
        model = run.build_model(shape, 10 if run.conditional else 0)
    assert sum(p.numel() for p in model.parameters()) < 25e6


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"accumulate": 2}, "accumulate is 2"),
        ({"compile": True, "penalty": 10.0}, "wanted: compile=false"),
        ({"turns": 9, "batch_size": 16}, "a batch holds 16 pictures for 9 turns; wanted: 18 or more"),
        ({"model": sn_dcgan, "model_options": {}, "size": 27}, "28x28, 32x32 or 64x64 were wanted"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(changes, sentence, tmp_path):
    run = replace(small(counted=0), **changes)
    with pytest.raises(UserError, match=sentence):
        train(run, Request("cgan_mnist", steps=1, out=tmp_path / "run"), say=lambda text: None)


def test_too_many_parameters_are_refused_in_a_sentence():
    run = replace(find("dcgan_cifar10")(), model_options={"width": 600})
    with (
        torch.device("meta"),
        pytest.raises(UserError, match="at most 25,000,000 were wanted; take a smaller"),
    ):
        run.build_model((3, 32, 32), 0)


def test_several_processes_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="several processes; wanted: one"):
        small().refuse(100)


@pytest.mark.parametrize("name", ["wgan_gp_mnist", "dcgan_mnist"])
def test_an_unconditional_run_takes_no_class(name, tmp_path):
    quick = {"data": "digits", "counted": 0, "precision": "fp32", "batch_size": 40}
    run = replace(find(name)(), **quick, model_options={"width": 4, "latent": 8})
    folder = train(run, Request(name, steps=2, out=tmp_path / "run"), say=lambda text: None)
    assert draw(folder, Wanted(n=5)).is_file()
    with pytest.raises(UserError, match="--class 3 was given; wanted: a class-conditional model"):
        draw(folder, Wanted(label="3"))


@pytest.mark.long
def test_classes_are_learned_from_what_they_are_told(finished):
    """After some seconds pictures of a class are nearer to its mean digit than to those of other classes."""
    run, _ = reopen(finished)
    model, _ = rebuilt(finished, run)
    images = run.open(0).train
    means = torch.stack([images.pixels[images.labels == k].float().mean(0) for k in range(10)]) / 255
    asked = torch.arange(200) % 10
    with torch.inference_mode():
        made = run.generate(model, Ask(200, torch.Generator().manual_seed(0), asked))
    nearest = torch.cdist(made.flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == asked).float().mean() > 0.4  # chance is 0.1
