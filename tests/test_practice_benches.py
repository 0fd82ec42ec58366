"""The benchmarks of distillation and pruning in miniature: what they write, and that they go on."""

import json
import sys

import pytest

from bench import common, distil


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def test_a_student_alone_and_distilled(tmp_path, monkeypatch):
    words = ["distil", "--seeds", "2", "--recipes", "digits", "--epochs", "2"]
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
