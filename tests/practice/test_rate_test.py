"""The learning-rate range test: curves whose answer is known, and a real network."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.models.generative.gan import mlp_gan
from gradschool.practice.rates import HIGHEST, LOWEST, Curve, Rising, find_rate, judge
from gradschool.recipes import find
from gradschool.runs.request import Request, silent

RATES = np.geomspace(1e-6, 10, 200)


def test_the_steepest_descent_of_a_known_curve():
    """A logistic fall in the logarithm of the rate is steepest at its middle; behind it the loss rises."""
    for middle in (1e-4, 1e-3, 1e-2):
        losses = 2 - 1.5 / (1 + (RATES / middle) ** -2) + 3 * (RATES / 3) ** 3
        found = judge(RATES, losses, None)
        # The smoothing is 2 steps wide, and a step is 8 % of the rate.
        assert found.steepest == pytest.approx(middle, rel=0.1)
        assert found.diverged is None and found.tenth is None


def test_a_fall_behind_the_minimum_does_not_count():
    """Losses that come back from a divergence fall faster than any descent."""
    losses = np.concatenate([np.linspace(2, 1, 100), [50, 100, 60, 20, 3], np.full(95, 2.0)])
    assert judge(RATES, losses, 1.0).steepest < RATES[100]


def test_a_loss_that_never_falls_has_no_steepest_descent():
    assert judge(RATES, np.linspace(1, 2, 200), 3.0).steepest is None
    assert judge(RATES, np.linspace(1, 2, 200), 3.0).tenth == pytest.approx(0.3)
    with pytest.raises(WorkFailed, match="diverged after 3 steps"):
        judge(RATES[:3], np.ones(3), 1.0)


@pytest.mark.parametrize("offset", [1.0, -5.0])
def test_a_divergence_is_seen_and_noise_is_none(offset):
    noise = np.random.default_rng(0).normal(0, 0.1, 200)
    calm, wild = Curve(), Curve()
    for step, rate in enumerate(RATES):
        calm({"step": step, "lr": rate, "loss": offset + noise[step]})
        if not wild.why:
            wild({"step": step, "lr": rate, "loss": offset + (0 if step < 100 else 2.0 ** (step - 100))})
    assert calm.verdict() == "" and len(calm.rates) == 200
    assert wild.verdict() and 101 < len(wild.rates) < 115
    calm({"step": 1, "val_loss": 1.0})  # a line of an evaluation has no rate
    calm({"step": 1, "lr": 1.0, "return": 3.0})  # and some steps no loss
    assert len(calm.rates) == 200


def test_the_rate_rises_by_a_constant_factor():
    rising = Rising(low=1e-3, high=1e3)
    factors = [rising.factor(i / 6) for i in range(7)]
    assert factors == pytest.approx([1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3])


@pytest.fixture(scope="module")
def found():
    return find_rate(find("digits")(), Request("digits", steps=60), silent)


def test_a_real_network_has_a_rate_below_its_divergence(found):
    assert found.rates[0] == pytest.approx(LOWEST) and found.rates[-1] < HIGHEST
    ratios = np.divide(found.rates[1:], found.rates[:-1])
    assert ratios == pytest.approx((HIGHEST / LOWEST) ** (1 / 60), rel=1e-6)
    assert found.diverged is not None and found.steepest < found.diverged
    assert 1e-4 < found.steepest < 1  # the recipe's own, 4e-3 with AdamW, is in it by a wide margin


def test_the_command_writes_the_curve_and_trains_nothing_else(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["train", "digits", "--find-rate", "--steps", "40", "--json"])
    out = capsys.readouterr().out
    told = json.loads(out.splitlines()[-1])
    assert left.value.code == 0 and "gradschool train digits --set learning_rate=" in out
    folder = tmp_path / told["folder"]
    assert sorted(each.name for each in folder.iterdir()) == ["rates.json", "rates.png", "report.html"]
    kept = RunFolder(folder).read("rates.json")
    assert kept["steepest"] == told["steepest"] and len(kept["rates"]) == told["steps"] <= 40
    text = (folder / "report.html").read_text()
    assert "Loss against learning rate" in text and "<script" not in text and "https://" not in text


def test_a_run_without_one_loss_and_one_rate_is_refused():
    gan = {"data": "digits", "model": mlp_gan, "model_options": {"widths": [8], "latent": 2}, "ema": 0.5}
    for recipe, run, sentence in (
        ("perceptron", find("perceptron")(), "perceptron trains itself"),
        ("cgan_mnist", replace(find("cgan_mnist")(), **gan), "each with a rate of its own"),
    ):
        with pytest.raises(UserError, match=sentence):
            find_rate(run, Request(recipe, steps=20), silent)


def test_what_belongs_to_a_training_is_refused(capsys):
    for words in (["--resume", "somewhere"], ["--ood", "mnist"]):
        with pytest.raises(SystemExit) as left:
            main(["train", "digits", "--find-rate", *words])
        assert left.value.code == 2 and "--find-rate came with" in capsys.readouterr().err
