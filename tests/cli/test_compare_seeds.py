"""compare: runs that differ in their seed alone are told as one, with an interval."""

import json

import pytest

from gradschool.cli.main import main

ABOUT = {
    "return": {"title": "return", "unit": "", "better": "higher", "note": ""},
    "error": {"title": "error", "unit": "share", "better": "lower", "note": ""},
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the folder of a finished run; its name."""
    monkeypatch.chdir(tmp_path)

    def run(name, seed, value, metric="return", **settings):
        folder = tmp_path / name
        folder.mkdir()
        config = {"recipe": "cartpole_ppo", "kind": "ppo", "seed": seed, "steps": None, "settings": settings}
        (folder / "config.json").write_text(json.dumps(config | {"command": f"train --seed {seed}"}))
        result = {"metrics": {f"test_{metric}": value}, "main": f"test_{metric}", "about": ABOUT}
        (folder / "result.json").write_text(json.dumps(result | {"seconds": 1.0}))
        return name

    return run


def compared(capsys, *runs):
    with pytest.raises(SystemExit) as left:
        main(["compare", *runs, "--json"])
    assert left.value.code == 0
    *lines, facts = capsys.readouterr().out.splitlines()
    return [line for line in lines if "over seeds" in line], json.loads(facts)["over_seeds"]


def test_the_middle_half_of_many_seeds(write, capsys):
    """One failed and one lucky run of eight do not count."""
    values = [0.0, 100, 101, 102, 103, 104, 105, 500]
    lines, (group,) = compared(capsys, *(write(f"a{i}", i, value) for i, value in enumerate(values)))
    assert group["interquartile_mean"] == pytest.approx(102.5) and group["seeds"] == list(range(8))
    assert group["low"] < 102.5 < group["high"] and group["score"] == "test_return"
    assert lines[0].startswith(" over seeds  cartpole_ppo (a0 ...), 8 seeds: return 102.5, 95 % interval ")


def test_two_groups_are_put_side_by_side(write, capsys):
    slow = [write(f"slow{i}", i, value, gamma=0.9) for i, value in enumerate((1.0, 2, 3))]
    good = [write(f"good{i}", i, value, gamma=0.99) for i, value in enumerate((2.5, 4, 5))]
    lines, groups = compared(capsys, *slow, *good)
    assert [group["interquartile_mean"] for group in groups] == [2, pytest.approx(11.5 / 3)]
    # Of nine pairs one has the other order.
    wanted = "a run of cartpole_ppo (good0 ...) is better than one of cartpole_ppo (slow0 ...)"
    assert lines[2] == f" over seeds  {wanted} with probability 0.89"


def test_a_lower_error_is_better(write, capsys):
    large = [write(f"large{i}", i, 0.5, "error", width=1) for i in range(2)]
    small = [write(f"small{i}", i, 0.25, "error", width=2) for i in range(2)]
    lines, _ = compared(capsys, *large, *small)
    assert "error 50.0 %, 95 % interval 50.0 % to 50.0 %" in lines[0]
    assert "a run of cartpole_ppo (small0 ...) is better" in lines[2] and lines[2].endswith("1.00")


def test_what_is_no_group(write, capsys):
    """One run of each setting, the same seed twice, a score that is no number."""
    alone = [write("one", 0, 1.0, gamma=0.9), write("two", 1, 1.0, gamma=0.8)]
    alone.append(write("again", 0, 2.0, gamma=0.9))
    assert compared(capsys, *alone, write("nan", 5, float("nan"), gamma=0.9)) == ([], [])
