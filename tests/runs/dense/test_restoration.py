"""Restorers and the first network: trained for a few steps, reported, taken up again."""

import re

import numpy as np
import pytest
from PIL import Image

from gradschool.data.augment.hide import Damage
from gradschool.data.vision import standins
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.recipes.vision import simple_ffn
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train


def trained(name, out, steps, *changes):
    run = override(find(name)(), changes, name)
    return run, train(run, Request(name, steps=steps, out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A narrow network after sixty steps."""
    changes = ['model_options={"width": 16}', "evaluations=3"]
    return trained("impute_digits", tmp_path_factory.mktemp("restored") / "run", 60, *changes)


@pytest.mark.long
def test_a_short_training_beats_the_mean_and_is_reported(restored):
    run, folder = restored
    scores = folder.read("result.json")["metrics"]
    assert scores["test_loss"] < scores["test_mean_loss"]
    assert scores["test_nearest_loss"] < scores["test_mean_loss"]
    told = run.conclusion(folder.read("result.json"), "")
    assert f"{scores['test_loss']:.4f}" in told and "360 test images" in told
    page = run.report(folder).read_text()
    assert "<dt>test loss</dt>" in page and "<dt>likeness (SSIM)</dt>" in page
    assert "Restored" in page and page.count("test picture") == 4 * 12


def test_a_run_is_taken_up_from_its_folder(tmp_path):
    _, folder = trained(
        "impute_digits", tmp_path / "run", 3, "damage.pixels=0.6", "damage.squares=0", "model=dense"
    )
    run, request = reopen(RunFolder.open(folder.path))
    assert run.damage == Damage(squares=0, side=4, pixels=0.6)
    assert request.steps == 3
    model, facts = rebuilt(folder, run)
    assert type(model).__name__ == "DenseRestorer" and facts["height"] == 8


def test_chest_pictures_come_from_medmnists_file(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 24), ("val", 6), ("test", 8)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = rng.integers(0, 2, (n, 14), dtype=np.uint8)
    np.savez(tmp_path / "chestmnist.npz", **arrays)
    changes = [f"data={tmp_path / 'chestmnist.npz'}", 'model_options={"width": 4}']
    _, folder = trained("denoise_chest", tmp_path / "run", 3, *changes)
    result = folder.read("result.json")
    assert result["test_images"] == 8 and 0 < result["metrics"]["test_mse"] < result["metrics"]["test_loss"]


@pytest.mark.long
def test_noise_has_no_filling_beside_it(tmp_path):
    run, folder = trained("impute_digits", tmp_path / "run", 3, "damage.noise=0.3", "damage.squares=0")
    assert "test_nearest_loss" not in folder.read("result.json")["metrics"]
    assert "nearest" not in run.conclusion(folder.read("result.json"), "")
    assert run.report(folder).is_file()


@pytest.mark.long
def test_a_u_net_restores_lines_and_likeness_rises(tmp_path):
    changes = ["model=unet", "damage.squares=0", "damage.lines=1", "damage.thickness=1.5"]
    run, folder = trained("impute_digits", tmp_path / "run", 80, *changes, 'model_options={"width": 8}')
    scores = folder.read("result.json")["metrics"]
    assert scores["test_ssim"] > scores["test_damaged_ssim"] + 0.05
    assert f"SSIM {scores['test_ssim']:.3f}" in run.conclusion(folder.read("result.json"), "")
    assert scores["test_loss"] < scores["test_smooth_loss"]  # digits of 8 pixels are anything but smooth
    # Errors are in the gaps alone, so the mean over all pixels is smaller by the share that is hidden.
    assert 0 < scores["test_mse"] < 0.5 * scores["test_loss"]


@pytest.mark.long
def test_pictures_of_another_kind_are_odd(restored, tmp_path):
    run, folder = restored
    rng = np.random.default_rng(0)
    (tmp_path / "odd" / "noise").mkdir(parents=True)
    for i in range(12):
        noise = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "odd" / "noise" / f"{i}.png")
        (tmp_path / "odd" / "other").mkdir(exist_ok=True)
        Image.fromarray(255 - noise).save(tmp_path / "odd" / "other" / f"{i}.png")
    page = run.report(folder, ood=str(tmp_path / "odd")).read_text()
    area = float(re.search(r"in ([\d.]+) % of all pairs", page)[1])
    assert area > 75  # chance is 50
    with pytest.raises(UserError, match=r"pictures of .* are 3x"):
        for i in range(12):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(
                tmp_path / "odd" / "noise" / f"{i}.png"
            )
        run.report(folder, ood=str(tmp_path / "odd"))


@pytest.mark.parametrize(
    ("here", "data"), [("chestmnist", "chestmnist"), ("kmnist10k", "kmnist10k"), ("", "digits")]
)
def test_chest_recipes_take_what_is_here(monkeypatch, here, data):
    monkeypatch.setattr(standins, "located", lambda info: info.name == here or None)
    for name in ("impute_chest", "denoise_chest", "vae_xray", "gan_xray"):
        assert find(name)().data == data


@pytest.mark.parametrize(("here", "data", "side"), [("/somewhere", "mnist", 28), (None, "digits", 8)])
def test_simple_ffn_falls_back_to_digits(monkeypatch, here, data, side):
    monkeypatch.setattr(simple_ffn, "located", lambda info: here)
    for name in ("simple_ffn", "simple_ffn_improved"):
        run = find(name)()
        assert run.data == data and run.model_options["side"] == side


def test_simple_ffn_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(simple_ffn, "located", lambda info: None)
    _, folder = trained("simple_ffn_improved", tmp_path / "run", 100)
    assert folder.read("result.json")["metrics"]["test_accuracy"] > 0.8
