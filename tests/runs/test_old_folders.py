"""Run folders that gradschool 0.1.0 wrote, which name no kind of run, still open: report, predict, resume."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from asking import answers, draw
from PIL import Image
from sklearn.datasets import load_digits

from gradschool.cli.runs.runs import facts
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.kind import Wanted
from gradschool.runs.kinds import find_kind
from gradschool.runs.old import KINDS
from gradschool.runs.reopen import reopen
from gradschool.runs.settings import from_dict, to_dict
from gradschool.runs.train import resume

OLD = Path(__file__).parent / "written_by_0_1_0"
SETTINGS = json.loads((OLD / "settings.json").read_text())  # of all its recipes


@pytest.fixture
def old(tmp_path):
    def copied(name):
        shutil.copytree(OLD / name, tmp_path / name)
        return RunFolder.open(tmp_path / name)

    return copied


@pytest.mark.long
def test_a_finished_classifier_is_reported_and_asked(old, tmp_path):
    folder = old("digits")
    assert "kind" not in folder.read("config.json")
    run, request = reopen(folder)
    assert run == find("digits")() and (request.seed, request.steps) == (3, 60)
    page = run.report(folder).read_text()
    assert "98.3 %" in page and "test accuracy" in page and "have changed" not in page
    digits = load_digits()
    right = 0
    for i in range(20):
        file = tmp_path / f"{i}.png"
        Image.fromarray((digits.images[i] * 255 / 16).astype(np.uint8)).save(file)
        (answer,) = answers(folder, file)
        right += answer.top[0][0] == str(digits.target[i])
    assert right >= 18
    assert facts(folder.path)["shown"] == "98.3 %"


@pytest.mark.long
def test_a_run_cut_short_goes_on(old, tmp_path):
    folder = old("vae_digits")
    run, request = reopen(folder)
    assert (run.model_options, run.kind) == ({"hidden": 16, "latent": 2}, "vae")
    resume(folder, run, request, say=lambda text: None)
    assert folder.read("result.json")["steps"] == 30
    assert draw(folder, Wanted(n=4), tmp_path / "four.png").is_file()
    assert "Reconstructions" in run.report(folder).read_text()


def test_a_run_without_an_engine_is_reported(old):
    folder = old("perceptron")
    run, _ = reopen(folder)
    assert run == find("perceptron")()
    assert "Training curves" in run.report(folder).read_text()


@pytest.mark.long
@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_settings_of_all_its_recipes_are_read(recipe):
    kind, settings = find_kind(KINDS[recipe]), SETTINGS[recipe]["settings"]
    assert kind.__name__ == SETTINGS[recipe]["class"]
    run = from_dict(kind, settings)
    assert {name: to_dict(run)[name] for name in settings} == settings
    assert type(find(recipe)()) is kind


def test_every_recipe_of_it_is_known():
    assert KINDS.keys() == SETTINGS.keys() and len(KINDS) == 49
