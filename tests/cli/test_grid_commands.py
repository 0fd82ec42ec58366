"""Commands on runs in grid worlds, as a person types them."""

import json

import pytest

from gradschool.cli.main import main


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "maze.txt").write_text("S..\n.#G\n")


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    assert not left.value.code, said.err
    return said.out


def test_from_training_to_comparing(capsys):
    words = ("--data", "maze.txt", "--set", "tested=3", "--steps", "8", "--json")
    out = call(capsys, "train", "gridworld", *words)
    facts = json.loads(out.splitlines()[-1])
    assert "maze.txt, 2x3 cells · 300 train / 3 test episodes" in out
    assert facts["run"] == "runs/gridworld-0001" and facts["metrics"]["test_optimal_return"] == -3
    assert "next     gradschool sample runs/gridworld-0001 --film" in out
    call(capsys, "train", "gridworld", *words, "--seed", "1")
    listed = call(capsys, "runs")
    assert "gridworld-0001" in listed and " return" in listed and "done" in listed
    compared = call(capsys, "compare", "runs/gridworld-0001", "runs/gridworld-0002")
    assert "seed" in compared
    assert "episodes runs/gridworld-0001/film-0.txt" in call(
        capsys, "sample", "runs/gridworld-0001", "--film"
    )
    assert "report.html" in call(capsys, "report", "runs/gridworld-0002")


def test_help_lists_the_settings(capsys):
    told = call(capsys, "train", "gridworld", "--help")
    for setting, meaning in (
        ("slip", "left or right"),
        ("epsilon_end", "linearly"),
        ("learning_rate", "alpha"),
    ):
        assert setting in told and meaning in told


def test_a_grid_says_what_it_holds(capsys):
    told = call(capsys, "data", "cliff_walk")
    assert " cells    48" in told and " classes  4: free (.), start (S), goal (G), cliff (C)" in told
    assert "cliff_walk" in call(capsys, "data")
