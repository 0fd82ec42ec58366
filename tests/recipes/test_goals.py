"""The bench of the autoencoders: every recipe gives the score measured, and the table tells it."""

import math
from dataclasses import replace

import pytest

from bench import accuracy, likelihood, table
from gradschool.recipes import find


@pytest.mark.parametrize("name", list(likelihood.GOALS))
def test_a_recipe_gives_the_score_it_is_measured_by(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {} if "fashion" in name or name == "ae_mnist" else {"hidden": 8, "latent": 3, "depth": 2}
    run = replace(find(name)(), data="digits", epochs=0.1, evaluations=1, model_options=options)
    if hasattr(run, "samples"):
        run = replace(run, samples=3)
    found = accuracy.train_one(run, name, 1, 0)
    assert math.isfinite(found[likelihood.GOALS[name].score])
    assert found["seconds"] > 0
    assert found["processor_seconds"] > 0


def test_a_row_tells_the_mean_the_ends_and_what_was_wanted():
    result = {
        "name": "likelihood-x", "n": 3, "goal": {"score": "test_nats", "wanted": 89.8, "unit": "nats"},
        "test_nats": accuracy.spread([90.0, 88.0, 89.0]),
        "processor_seconds": accuracy.spread([60.0, 90.0, 95.0]),
        "machine": {"cpu": "Z80", "cores": 1, "date": "1976-07-01"},
    }  # fmt: skip
    row = table.goal_row(result, table.machines([result]))
    assert row == "| `x` | nats | 89 | 88 to 90 | 89.8 | 1.5 min | 3 | A |"
    assert row in table.tables([result])
    assert "A: Z80, 1 cores, measured 1976-07-01." in table.tables([result])
    assert "wanted" not in table.tables([])


def test_the_ladder_is_shown_beside_its_first_row():
    rows = [
        {"rung": "baseline", "test": [0.5, 0.52], "train": [0.98, 1.0]},
        {"rung": "augmentation", "test": [0.6, 0.6], "train": [0.7, 0.7]},
    ]
    text = table.tables([{"name": "cures", "n": 2, "rows": rows}])
    assert "| `gradschool ladder`, 2 seeds |" in text
    assert "| baseline | 51.0 % | 1.4 | 99.0 % | +0.0 |" in text
    assert "| augmentation | 60.0 % | 0.0 | 70.0 % | +9.0 |" in text


def test_what_needs_no_network_stands_beside_the_best_network():
    counting = [
        {"set": "imdb", "model": "words", "accuracy": 0.8},
        {"set": "imdb", "model": "words, C 1.0", "accuracy": 0.9},  # chosen on the test part: no fair row
        {"set": "sst2", "model": "sklearn: pairs", "accuracy": 0.7},
    ]
    networks = {f"{name}_lstm": {"median": 0.75, "min": 0.74, "max": 0.76} for name in ("imdb", "sst2")}
    blends = {f"{name}_lstm": [{"accuracy": 0.81}, {"accuracy": 0.83}] for name in ("imdb", "sst2")}
    rows = table.reviews({"counting": counting, "networks": networks, "blends": blends})
    assert rows[0][1:] == ("80.0 % (words)", "`imdb_lstm` 74.0 to 76.0 %", "81.0 to 83.0 %")
    assert rows[1][1] == "70.0 % (pairs)"
