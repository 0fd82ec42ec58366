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
    }  # fmt: skip
    assert table.goal_row(result) == "| `x` | nats | 89 | 88 to 90 | 89.8 | 1.5 min | 3 |"
    assert table.goal_row(result) in table.tables([result])
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
