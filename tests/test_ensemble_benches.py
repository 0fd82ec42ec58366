"""The benchmarks of ensembles in miniature: the same choices on all sides, and a table that goes on."""

import json
import sys

import numpy as np
import pytest
import torch

from bench import common, ensembles, greedy


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("GRADSCHOOL_BENCH_BUSY", "1")


def test_greedy_selection_is_timed_beside_loops_that_choose_alike(capsys):
    result = greedy.run(5, count=6, examples=60, classes=3, steps=4)
    assert set(result["ratios"]) == set(result["sides"]) - {"ours"} and len(result["ratios"]) == 3
    assert result["about"]["goal"] == 10 and "times as fast as averaged anew" in capsys.readouterr().out


@pytest.mark.long
def test_the_table_has_every_way_and_is_not_made_twice(tmp_path, monkeypatch):
    words = ["ensembles", "--seeds", "1", "--sets", "digits", "--folds", "2", "--epochs", "0.6"]
    monkeypatch.setattr(sys, "argv", words)
    ensembles.main()
    found = json.loads((tmp_path / "results" / "ensembles.json").read_text())
    table = found["sets"]["digits"]
    ways = {"single", "chosen single", "mean", "logits", "greedy", "simplex", "stack"}
    assert set(table["oof"]) == ways and set(table["val"]) == ways | {"soup", "greedy soup", "snapshots"}
    assert table["fitted_on"] == {"val": 719, "oof": 1437}
    # The same examples in another order: L-BFGS ends within its tolerance elsewhere.
    both = (table["sizes"]["1437"]["stack"], table["oof"]["stack"])
    first, second = (each["loss"]["mean"] for each in both)
    assert first == pytest.approx(second, abs=0.02)
    assert table["oof"]["mean"]["loss"]["against_mean"] == 0
    monkeypatch.setattr(ensembles, "train_folds", None)  # nothing is trained again
    monkeypatch.setattr(ensembles, "of_seed", None)
    ensembles.main()
    again = json.loads((tmp_path / "results" / "ensembles.json").read_text())
    assert again["rows"] == found["rows"]


def test_differences_to_the_plain_mean_are_paired():
    tables = [
        {"mean": {"error": 0.1, "loss": 0.5}, "stack": {"error": 0.2, "loss": 0.4}},
        {"mean": {"error": 0.3, "loss": 0.7}, "stack": {"error": 0.4, "loss": 0.5}},
    ]
    found = ensembles.summed(tables)["stack"]
    assert found["error"]["against_mean"] == pytest.approx(0.1) and found["error"]["worse"] == 2
    assert found["loss"]["against_mean"] == pytest.approx(-0.15) and found["loss"]["better"] == 2
    low, high = found["loss"]["against_interval"]
    half = 12.706 * np.std([-0.1, -0.2], ddof=1) / 2**0.5  # Student's t of one degree of freedom
    assert (low, high) == pytest.approx((-0.15 - half, -0.15 + half), rel=1e-3)


def test_ways_are_fitted_on_held_out_and_judged_on_test():
    draw = torch.Generator().manual_seed(0)
    held, test = torch.randn(2, 40, 3, generator=draw), torch.randn(2, 30, 3, generator=draw)
    labels, truth = torch.arange(40) % 3, torch.arange(30) % 3
    found = ensembles.every_way(held, labels, test, truth)
    p = test.double().softmax(2).mean(0)
    assert found["mean"]["loss"] == pytest.approx(float(-p[torch.arange(30), truth].log().mean()))
    assert found["mean"]["error"] == pytest.approx(float((p.argmax(1) != truth).double().mean()))
