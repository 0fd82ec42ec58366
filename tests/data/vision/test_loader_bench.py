"""The comparison harness: what it writes, which peer counts, when it refuses. Speed itself is not tested."""

import importlib
import json
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def common(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT))
    for name in [name for name in sys.modules if name.split(".")[0] == "bench"]:
        monkeypatch.delitem(sys.modules, name)
    module = importlib.import_module("bench.common")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setenv("GRADSCHOOL_BENCH_BUSY", "1")
    return module


def work(order, name, seconds, count=100):
    def once():
        order.append(name)
        time.sleep(seconds)
        return count

    return once


def test_rounds_are_interleaved_and_the_best_peer_counts(common, tmp_path):
    order = []
    peers = {"slow": work(order, "slow", 0.12), "fair": work(order, "fair", 0.03)}
    result = common.compare("toy", "items/s", work(order, "ours", 0.002), peers, 5, {"items": 100})
    assert order == ["ours", "slow", "fair"] * 6
    assert result["peer_name"] == "fair" and result["n"] == 5
    assert result["ratio"] == pytest.approx(result["ours"] / result["peer"])
    assert result["ratio"] > 1
    assert json.loads((tmp_path / "toy.json").read_text())["machine"]["torch"]
    assert len(result["sides"]["ours"]["rounds"]) == 5


def test_seconds_count_the_other_way_round(common):
    result = common.compare("toy", "s", work([], "a", 0.002), {"peer": work([], "b", 0.01)})
    assert result["ours"] < result["peer"] and result["ratio"] == pytest.approx(
        result["peer"] / result["ours"]
    )


def test_what_another_processor_measured_stays(common, tmp_path):
    assert common.place("toy", "Z80 (4 MHz)") == tmp_path / "toy.json"
    (tmp_path / "toy.json").write_text(json.dumps({"machine": {"cpu": "6502"}}))
    assert common.place("toy", "6502") == tmp_path / "toy.json"
    assert common.place("toy", "Z80 (4 MHz)") == tmp_path / "toy-on-z80-4-mhz.json"


def test_fewer_than_five_rounds_or_a_busy_machine_are_refused(common, monkeypatch):
    with pytest.raises(ValueError, match="5 or more"):
        common.compare("toy", "s", work([], "a", 0), {"peer": work([], "b", 0)}, 3)
    monkeypatch.delenv("GRADSCHOOL_BENCH_BUSY")
    monkeypatch.setattr(common.os, "getloadavg", lambda: (99.0, 99.0, 99.0), raising=False)
    with pytest.raises(common.BusyError, match="99"):
        common.wait_until_quiet(patience=0)


@pytest.mark.parametrize("name", ["loader", "batches"])
def test_both_sides_of_a_comparison_do_the_whole_work(common, monkeypatch, name):
    module, seen = importlib.import_module(f"bench.{name}"), {}

    def record(title, unit, ours, peers, repeats, about):
        seen.update({side: job() for side, job in {"ours": ours, **peers}.items() if "2 workers" not in side})
        return {}

    monkeypatch.setattr(module, "compare", record)
    module.run(5, n=2 * module.BATCH)
    assert set(seen.values()) == {2 * module.BATCH} and len(seen) == 2
