"""The benchmarks of distillation and pruning in miniature: what they write, and that they go on."""

import json
import sys

import pytest

from bench import common, distil, prune
from gradschool.evals import turns


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


@pytest.mark.long
def test_a_student_alone_and_distilled(tmp_path, monkeypatch):
    words = ["distil", "--seeds", "2", "--recipes", "digits", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", words)
    distil.main()
    found = json.loads((tmp_path / "results" / "distil.json").read_text())
    table = found["sets"]["digits"]
    assert set(table) == {"teacher", "alone", "T=1", "T=4"} and found["n"] == 2
    # A student has one network, taught or not, and not its teacher's.
    assert len({table[name]["parameters"] for name in ("alone", "T=1", "T=4")}) == 1
    assert table["teacher"]["parameters"] != table["alone"]["parameters"]
    taught = json.loads((tmp_path / "runs/distil/digits/T4-1/config.json").read_text())["settings"]
    assert taught["teacher"].endswith("runs/distil/digits/teacher-1") and taught["temperature"] == 4
    assert table["alone"]["gain"] == 0 and len(table["T=4"]["gain_interval"]) == 2
    each = [found["rows"][f"digits-{seed}"] for seed in (0, 1)]
    gains = [row["T=4"]["accuracy"] - row["alone"]["accuracy"] for row in each]
    assert table["T=4"]["gain"] == pytest.approx(sum(gains) / 2)
    # Nothing is trained again.
    monkeypatch.setattr(distil, "of_seed", lambda *_: pytest.fail("trained again"))
    distil.main()
    assert json.loads((tmp_path / "results" / "distil.json").read_text())["rows"] == found["rows"]


@pytest.mark.long
def test_shares_of_weights_and_channels(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "ROUNDS", 4)
    words = [
        "prune",
        "--seeds",
        "2",
        "--recipe",
        "digits",
        "--shares",
        "0.5",
        "--epochs",
        "2",
        "--steps",
        "4",
    ]
    monkeypatch.setattr(sys, "argv", words)
    prune.main()
    found = json.loads((tmp_path / "results" / "prune.json").read_text())
    assert set(found["table"]) == {"weight 0.5", "channel 0.5"} and found["n"] == 2
    for name, row in found["table"].items():
        each = [one[name]["accuracy"] for one in found["rows"].values()]
        assert row["lost"] == pytest.approx(sum(one["before"] - one["trained"] for one in each) / 2)
        assert len(row["lost_interval"]) == 2 and set(row["times_as_fast"]) == {"1", "32"}
    weight, channel = found["table"]["weight 0.5"], found["table"]["channel 0.5"]
    assert weight["file"] == pytest.approx(1, abs=0.02) and weight["compressed"] > 1.3 < channel["file"]
    # Nothing is done again.
    monkeypatch.setattr(prune, "of_seed", lambda *_: pytest.fail("pruned again"))
    prune.main()
    assert json.loads((tmp_path / "results" / "prune.json").read_text())["rows"] == found["rows"]
