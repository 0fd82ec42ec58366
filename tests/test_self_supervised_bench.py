"""The bench of learning without labels in miniature: every way once, and a table that goes on."""

import json
import sys

import pytest
from scipy.stats import ttest_rel

from bench import common, self_supervised


@pytest.mark.long
def test_every_way_is_measured_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    ways = ["simclr frozen", "simclr scratch"]
    words = ["--seeds", "1", "--shares", "0.02", "1", "--steps", "3", "--pretrain", "3", "--only", *ways]
    monkeypatch.setattr(sys, "argv", ["self_supervised", *words])
    self_supervised.main()
    found = json.loads((tmp_path / "results" / "self_supervised.json").read_text())
    assert list(found["table"]) == ways and set(found["table"]["simclr frozen"]) == {"0.02", "1"}
    rows = found["rows"]
    assert {key: row["labelled"] for key, row in rows.items() if "labelled" in row} == {
        f"{way} {share} 0": count for way in ways for share, count in (("0.02", 30), ("1", 1437))
    }
    assert rows["encoder simclr 0"]["steps"] == 3 and "collapsed" in rows["encoder simclr 0"]
    assert "simclr frozen" in capsys.readouterr().out
    monkeypatch.setattr(self_supervised, "train", None)  # nothing is trained again
    monkeypatch.setattr(sys, "argv", ["self_supervised", *words])
    self_supervised.main()
    assert json.loads((tmp_path / "results" / "self_supervised.json").read_text())["rows"] == rows


def test_gains_are_paired_with_the_same_network_from_random_weights():
    rows = {f"simclr finetune 0.1 {i}": {"accuracy": a} for i, a in enumerate((0.8, 0.85, 0.78))}
    rows |= {f"simclr scratch 0.1 {i}": {"accuracy": a} for i, a in enumerate((0.7, 0.81, 0.7))}
    rows |= {"simclr scratch 1 0": {"accuracy": 0.99}, "mae scratch 0.1 0": {"accuracy": 0.1}}
    table = self_supervised.summary(rows, ["simclr finetune", "simclr scratch"], [0.1, 1.0])["table"]
    cell = table["simclr finetune"]["0.1"]
    theirs = ttest_rel((0.8, 0.85, 0.78), (0.7, 0.81, 0.7)).confidence_interval()
    assert cell["mean"] == pytest.approx(0.81) and cell["seeds"] == 3
    assert cell["against_labels_only"] == pytest.approx(0.22 / 3)
    assert cell["against_interval"] == pytest.approx([theirs.low, theirs.high])
    assert "against_labels_only" not in table["simclr scratch"]["0.1"] and "1" not in table["simclr finetune"]
