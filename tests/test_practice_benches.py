"""The benchmarks of distillation and pruning in miniature: what they write, and that they go on."""

import json
import sys

import pytest

from bench import batch_size, common, distil, prune
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


def test_the_law_of_batch_sizes_is_found():
    sizes = [8, 16, 64, 256]
    found = batch_size.law(sizes, [100 * (1 + 40 / size) for size in sizes])
    assert found["least_steps"] == pytest.approx(100) and found["critical_batch"] == pytest.approx(40)
    assert found["least_examples"] == pytest.approx(4000)
    # No batch is too large yet: steps fall as 1 / batch for ever.
    assert batch_size.law(sizes, [640 / size for size in sizes])["critical_batch"] is None
    assert batch_size.of_rates(sizes, [0.1 * size**0.7 for size in sizes]) == pytest.approx(0.7)


def test_the_best_rate_is_the_one_that_always_arrives_first():
    runs = {
        0.5: [{"rate": 1.0, "steps": 30}, {"rate": 1.0, "steps": 50}],
        1.0: [{"rate": 2.0, "steps": 20}, {"rate": 2.0, "steps": 30}],
        2.0: [{"rate": 4.0, "steps": 5}, {"rate": 4.0, "steps": None}],
    }
    found = batch_size.best(runs)
    assert (found["factor"], found["steps"], found["rate"], found["at_edge"]) == (1.0, 25, 2.0, False)
    assert batch_size.best({2.0: runs[2.0]}) is None


@pytest.mark.long
def test_batch_sizes_in_miniature(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_size, "AROUND", (0.5, 1.0))
    words = ["--recipe", "digits", "--sizes", "32", "128", "--goal", "1.0", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", ["batch_size", *words, "--examples", "2000", "--looks", "8"])
    batch_size.main()
    found = json.loads((tmp_path / "results" / "batch_size.json").read_text())
    for size, row in found["sizes"].items():
        # The step by the run's own record, read by hand.
        place = tmp_path / f"runs/batch_size/digits/{size}-{row['factor']:g}-0/metrics.jsonl"
        lines = [json.loads(line) for line in place.read_text().splitlines()]
        reached = [line["step"] for line in lines if line.get("val_loss", 9) <= 1.0]
        assert row["steps"] == min(reached) and row["each"] == [row["steps"]]
    assert len(found["rows"]) == 4 and set(found["sizes"]) == {"32", "128"} and found["law"]
