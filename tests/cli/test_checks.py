"""gradschool test: which checks run, which words reach pytest, and what quick leaves out."""

import subprocess
import sys

import pytest

from gradschool.cli.project import test as command

QUICK = "not slow and not gpu and not long"


@pytest.fixture
def ran(monkeypatch):
    """The names of the checks that would have run; "types" fails."""
    seen = []
    monkeypatch.setattr(command, "passes", lambda name, _: (seen.append(name), name != "types")[1])
    return seen


def words(*typed):
    """What pytest is given."""
    return command.tests(command.parse(list(typed)))[3:]


def test_words_reach_pytest_as_they_are():
    assert words("tests/engine", "-k", "loop") == ["tests/engine", "-k", "loop"]
    assert words("--", "-m", "slow") == ["-m", "slow"]
    assert words("--quick", "tests/engine") == ["-m", QUICK, "tests/engine"]
    assert words("tests/engine", "--quick") == ["-m", QUICK, "tests/engine"]


def test_without_words_all_cores_run_everything():
    assert "-n" in words() and "-m" not in words()
    assert words("--quick") == ["-m", QUICK, *words()]


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_every_check_runs_though_one_fails(ran, capsys, quick):
    assert command.run(command.parse(quick)) == 1
    assert set(ran) == {"lint", "format", "types", "chapters", "imports", "budgets", "tests"}
    assert ran[-1] == "tests" and capsys.readouterr().out == "failed: types\n"


def test_with_words_only_the_tests_run(ran):
    assert command.run(command.parse(["tests/engine"])) == 0
    assert ran == ["tests"]


@pytest.mark.long
def test_what_is_left_out_is_counted():
    place = "tests/runs/generation/test_score_rings.py"
    call = [sys.executable, *command.tests(command.parse(["--quick", place, "--collect-only"]))[1:]]
    done = subprocess.run(call, cwd=command.root(), capture_output=True, text=True)
    assert "left out: 0 slow (run with: -m slow), 0 gpu (run with: -m gpu), 1 long" in done.stdout
