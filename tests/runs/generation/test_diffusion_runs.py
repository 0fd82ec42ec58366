"""Diffusion models and flows: trained for seconds on 8x8 digits, sampled, filmed, reported, refused."""

import numpy as np
import pytest
import torch
from asking import draw
from PIL import Image
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.inference import evaluating
from gradschool.models.generative.denoiser import denoiser_tiny
from gradschool.recipes import find
from gradschool.runs.generation.ask import Ask
from gradschool.runs.generation.diffusion import thinned
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train

SMALL = ("data=digits", "size=null", "model=denoiser_tiny", "model_options={}", "threads=1", "shown=4",
         "sampler_steps=4", "evaluations=2", "precision=fp32", "batch_size=32")  # fmt: skip
NAMES = ("ddpm_mnist", "flow_mnist", "cflow_mnist", "edm_cifar10")


def trained(name, out, steps, *changes):
    run = override(find(name)(), (*SMALL, *changes), name)
    return run, train(run, Request(name, steps=steps, out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return trained("ddpm_mnist", tmp_path_factory.mktemp("plain") / "run", 6)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return trained("flow_mnist", tmp_path_factory.mktemp("told") / "run", 6, "conditional=true")


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_trains_and_is_reported(name, tmp_path):
    run, folder = trained(name, tmp_path / "run", 6)
    assert folder.read("result.json")["metrics"]["test_loss"] > 0
    assert len(list((folder.path / "samples").glob("*.png"))) == 2
    page = run.report(folder).read_text()
    for title in ("Through noise", "Out of noise", "New pictures", "Over the training"):
        assert title in page
    loss = f"{folder.read('result.json')['metrics']['test_loss']:.4g}"
    assert f"<dt>test loss</dt><dd>{loss}<small>squared error of what the network predicts" in page
    assert ("Noise schedule" in page) == (name == "ddpm_mnist")


@pytest.mark.slow
def test_training_lowers_the_loss(tmp_path):
    _, folder = trained("ddpm_mnist", tmp_path / "run", 150)
    assert folder.read("result.json")["metrics"]["test_loss"] < 0.3  # a network that says nothing has 1


@pytest.mark.long
@pytest.mark.parametrize("name", ["ddpm_mnist", "edm_cifar10", "flow_mnist"])
def test_resumed_equals_uninterrupted(name, tmp_path, cut_short):
    _, whole = trained(name, tmp_path / "whole", 6, "save_every=1e-6")
    folder = RunFolder.open(cut_short(whole))
    resume(folder, *reopen(folder), say=lambda text: None)
    again, before = (load_file(run.path / "model.safetensors") for run in (folder, whole))
    assert all(torch.equal(again[name], before[name]) for name in before)
    losses = [[row["loss"] for row in run.metrics() if "loss" in row] for run in (folder, whole)]
    assert losses[0] == losses[1] and len(losses[0]) == 6  # noises and times were drawn again


def test_same_seed_same_pictures(plain, tmp_path):
    _, folder = plain
    files = [draw(folder, Wanted(n=4, seed=s), tmp_path / f"{i}.png") for i, s in enumerate((1, 1, 2))]
    first, again, other = (np.asarray(Image.open(file)) for file in files)
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "heun", "dpm"])
def test_all_samplers_draw(plain, sampler, tmp_path):
    _, folder = plain
    sheet = Image.open(draw(folder, Wanted(n=4, steps=3, sampler=sampler), tmp_path / "a.png"))
    assert sheet.size == (4 * 17, 4 * 17)


@pytest.mark.long
@pytest.mark.parametrize("sampler", ["euler", "heun", "ddim", "dpm"])
def test_flows_are_followed_by_all(conditional, sampler, tmp_path):
    _, folder = conditional
    assert draw(folder, Wanted(n=4, steps=3, sampler=sampler, guidance=2.0), tmp_path / "a.png").is_file()


def test_a_film_begins_with_noise_and_ends_with_the_picture(plain, tmp_path):
    run, folder = plain
    film = Image.open(draw(folder, Wanted(n=4, steps=6, film=True), tmp_path / "film.gif"))
    assert 5 <= film.n_frames <= 7  # the noise and six steps; frames that are alike become one
    model = denoiser_tiny((1, 8, 8)).eval()
    with torch.inference_mode():
        first, again = (Ask(4, torch.Generator().manual_seed(0), steps=6) for _ in range(2))
        frames = run.film(model, first)
        assert len(frames) == 7 and torch.equal(frames[-1], run.generate(model, again))


def test_many_pictures_are_the_same_pictures(conditional, monkeypatch):
    """Sampled in turns or at once; without fresh noise the turns draw the same starts."""
    run, _ = conditional
    torch.manual_seed(0)
    model = denoiser_tiny((1, 8, 8), 10)
    torch.nn.init.normal_(model.out[-1].weight, std=0.1)
    first, again = (Ask(5, torch.Generator().manual_seed(0), torch.arange(5)) for _ in range(2))
    with torch.inference_mode(), evaluating(model):
        once = run.generate(model, first)
        monkeypatch.setattr("gradschool.runs.generation.diffusion.AT_ONCE", 2)
        torch.testing.assert_close(run.generate(model, again), once, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(steps=0), "--steps is 0; wanted: a whole number from 1 to 1,000"),
        (Wanted(steps=1001), "--steps is 1001; wanted: a whole number from 1 to 1,000"),
        (Wanted(guidance=3.0), "--guidance 3 was given; wanted: a class-conditional model"),
        (Wanted(sampler="euler"), "--sampler is 'euler'; wanted: one of ddpm, ddim, heun, dpm"),
    ],
)
def test_what_cannot_be_is_refused(plain, wanted, said, tmp_path):
    with pytest.raises(UserError) as refusal:
        draw(plain[1], wanted, tmp_path / "none.png")
    assert said in str(refusal.value) and not (tmp_path / "none.png").exists()


def test_guidance_is_a_number_from_zero(conditional, tmp_path):
    for value in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match="--guidance is"):
            draw(conditional[1], Wanted(guidance=value), tmp_path / "none.png")


def test_a_wrong_sampler_is_refused_before_training(tmp_path):
    with pytest.raises(UserError, match="sampler is 'fast'"):
        trained("ddpm_mnist", tmp_path / "run", 2, "sampler=fast")
    assert not (tmp_path / "run").exists()


def test_more_steps_than_times_are_refused_before_training(tmp_path):
    with pytest.raises(UserError, match="sampler_steps is 4; wanted: at most times, which is 3"):
        trained("ddpm_mnist", tmp_path / "run", 2, "times=3")


def test_models_without_steps_refuse_them():
    with pytest.raises(UserError, match="--steps 3 was given; wanted: a diffusion model or flow"):
        find("vae_mnist")().check(Ask(1, torch.Generator(), steps=3))


def test_a_size_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"28x28, sides that are multiples of 8"):
        trained("ddpm_mnist", tmp_path / "run", 2, "model=denoiser_small", "size=28")


def test_frames_keep_both_ends():
    frames = [torch.tensor(i) for i in range(100)]
    assert [int(frame) for frame in thinned(frames, 4)] == [0, 33, 66, 99]
    assert thinned(frames[:3], 4) == frames[:3]
