"""Runs in grid worlds: they learn the optimal policy, go on bit for bit, and say what they cannot do."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train

MAZE = ".....\n.S#..\n.###G\n.....\n"
BEST = -6  # up, three times right, twice down


def quiet(text):
    return None


@pytest.fixture(scope="module")
def maze(tmp_path_factory):
    file = tmp_path_factory.mktemp("mine") / "maze.txt"
    file.write_text(MAZE)
    return file


def setting(maze, **changes):
    usual = {"data": str(maze), "episodes": 30, "tested": 5, "limit": 40, "evaluations": 3}
    return replace(find("gridworld")(), **(usual | changes))


@pytest.fixture(scope="module")
def finished(maze, tmp_path_factory):
    run = setting(maze)
    return run, train(run, Request("gridworld", out=tmp_path_factory.mktemp("runs") / "maze"), quiet)


def test_the_recipe_learns_the_optimal_policy(tmp_path):
    """In 120 of its 300 episodes."""
    folder = train(find("gridworld")(), Request("gridworld", steps=120, out=tmp_path / "run"), quiet)
    result = folder.read("result.json")
    assert result["metrics"]["test_return"] == result["metrics"]["test_optimal_return"] == -13
    assert result["metrics"]["test_regret"] == 0 and result["metrics"]["test_goal"] == 1
    assert result["metrics"]["test_random_return"] < -1000
    assert result["main"] == "test_return" and result["about"]["return"]["better"] == "higher"
    assert result["verdict"].startswith("The learnt policy is optimal (expected return -13")


def test_a_world_of_ones_own_is_learnt(finished):
    run, folder = finished
    metrics = folder.read("result.json")["metrics"]
    steps = len(re.findall("reward", run.sample(folder, Wanted(film=True), None).read_text()))
    assert metrics["test_return"] == metrics["test_optimal_return"] == -steps == BEST
    assert folder.read("model.json")["drawing"] == MAZE.split()
    assert RunFolder.open(folder.path).read("config.json")["settings"]["data"] == run.data


def test_going_on_is_bit_for_bit(tmp_path, maze, cut_short):
    run = setting(maze, slip=0.3, save_every=0.0, epsilon_end=0.5)
    whole = train(run, Request("gridworld", seed=5, steps=6, out=tmp_path / "whole"), quiet)
    cut = RunFolder(cut_short(whole))
    again, request = reopen(cut)
    assert again == run
    resume(cut, again, request, quiet)
    one, two = (load_file(folder.path / "model.safetensors") for folder in (whole, cut))
    assert one.keys() == two.keys() == {"values", "visits"}
    assert all(torch.equal(one[key], two[key]) for key in one)
    first, second = (folder.read("result.json")["metrics"] for folder in (whole, cut))
    assert first == second
    timeless = [
        [{k: v for k, v in line.items() if k != "seconds"} for line in f.metrics()] for f in (whole, cut)
    ]
    assert timeless[0] == timeless[1]


def test_a_changed_world_stops_going_on(tmp_path, cut_short):
    file = tmp_path / "maze.txt"
    file.write_text(MAZE)
    run = setting(file, save_every=0.0)
    whole = train(run, Request("gridworld", steps=3, out=tmp_path / "whole"), quiet)
    cut = RunFolder(cut_short(whole))
    file.write_text(MAZE.replace("#", ".", 1))
    with pytest.raises(UserError, match="cannot go on: The train part is not what the run had"):
        resume(cut, *reopen(cut), quiet)


def test_the_report_shows_both_policies(finished):
    run, folder = finished
    page = run.report(folder).read_text()
    for title in ("Policies", "Values and policy", "Learning curve", "Settings"):
        assert f">{title}</h2>" in page
    assert folder.read("result.json")["verdict"] in page and "30 training episodes" in page
    rows = re.findall(r'<th scope="row">(learnt|optimal|random)</th>', page)
    assert rows == ["learnt", "optimal", "random"]
    assert page.count('aria-label="Learnt values and policy"') == 1 and page.count(">goal</text>") == 2
    assert "optimal policy from" in page and "random policy from" in page  # lines of the chart
    cells = re.findall(r"<title>(.*?)</title>", page.split("<h3>Exact</h3>")[1].split("<h2")[0])
    assert any(re.fullmatch(r"↑ -\d+, → -\d+, ↓ -1, ← -\d+", cell) for cell in cells)  # above the goal


def test_an_unfinished_run_has_a_report_of_its_curve(finished, cut_short, tmp_path, maze):
    run = setting(maze, save_every=0.0)
    whole = train(run, Request("gridworld", steps=4, out=tmp_path / "whole"), quiet)
    cut = RunFolder(cut_short(whole))
    page = run.report(cut).read_text()
    assert ">Learning curve</h2>" in page and ">Policies</h2>" not in page


def test_a_large_world_is_drawn_small(tmp_path):
    file = tmp_path / "wide.txt"
    file.write_text("S" + "." * 28 + "G\n")
    run = setting(file, episodes=2, evaluations=1)
    folder = train(run, Request("gridworld", out=tmp_path / "run"), quiet)
    page = run.report(folder).read_text()
    assert 'width="660" height="22"' in page and folder.read("result.json")["metrics"]["test_goal"] in (0, 1)


def test_episodes_are_written_as_text(finished, tmp_path):
    run, folder = finished
    path = run.sample(folder, Wanted(n=2, seed=3), None)
    assert path == folder.path / "episodes-3.txt"
    text = path.read_text()
    assert text.startswith("episode 1 reaches a goal after") and "episode 2 reaches a goal" in text
    film = run.sample(folder, Wanted(film=True), tmp_path / "film.txt").read_text()
    steps = int(re.match(r"episode 1 reaches a goal after (\d+) steps", film)[1])
    frames = re.findall(r"step \d+ of \d+.*\n((?:[.S#G@]{5}\n){4})", film)
    assert len(frames) == steps + 1 and all(frame.count("@") == 1 for frame in frames)
    where = [frame.replace("\n", "").index("@") for frame in frames]
    assert MAZE.replace("\n", "")[where[0]] == "S" and MAZE.replace("\n", "")[where[-1]] == "G"
    assert all(abs(a - b) in (1, 5) for a, b in pairwise(where))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(label="3"), "--class 3 was given; wanted: only -n, --seed, --film and --out for episodes"),
        (Wanted(steps=9), "--steps 9 was given"),
        (Wanted(guidance=2.0), "--guidance 2.0 was given"),
        (Wanted(sampler="ddim"), "--sampler ddim was given"),
        (Wanted(n=0), "n is 0; wanted: a whole number from 1 to 10,000"),
    ],
)
def test_what_episodes_do_not_have_is_a_sentence(finished, wanted, sentence):
    run, folder = finished
    with pytest.raises(UserError) as told:
        run.sample(folder, wanted, None)
    assert sentence in str(told.value)


def test_what_the_kind_cannot_do_is_a_sentence(finished, tmp_path):
    run, folder = finished
    for name, words in (("predict", ([], 5, None, None)), ("export", (None,)), ("classifier", ())):
        with pytest.raises(UserError, match="is a Q-learning agent in a grid world, which cannot") as told:
            getattr(run, name)(folder, *words)
        assert "It can: gradschool report" in str(told.value) and "gradschool sample" in str(told.value)
    with pytest.raises(UserError, match="--ood digits was given to a Q-learning agent"):
        run.report(folder, "digits")
    with pytest.raises(UserError, match=r"--out is .*, a folder; wanted: a text file"):
        run.sample(folder, Wanted(), tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("limit=3", "limit is 3, and the shortest path of maze.txt takes"),
        ("slip=1", "slip is a number < 1, got 1"),
        ("gamma=0", "gamma is a number > 0, got 0"),
        ("epsilon_start=1.5", "epsilon_start is a number <= 1, got 1.5"),
        ("episodes=0", "episodes is a number >= 1, got 0"),
        ("data=digits", "holds no grid world"),
    ],
)
def test_bad_settings_are_sentences(maze, change, sentence):
    with pytest.raises(UserError) as told:
        override(setting(maze), [change], "gridworld").open(0)
    assert sentence in str(told.value)


def test_a_validation_part_is_played_and_chosen_by(tmp_path, maze):
    run = setting(maze, val=0.2, keep="best")
    folder = train(run, Request("gridworld", steps=21, out=tmp_path / "run"), quiet)
    scores = [line["val_return"] for line in folder.metrics() if "val_return" in line]
    assert len(scores) == 3 and {"val_return", "test_return"} <= folder.read("result.json")["metrics"].keys()
    assert json.loads((folder.path / "data.json").read_text())["parts"]["val"]["count"] == 6


def test_another_optimiser_is_named_and_several_processes_are_refused(maze, tmp_path, monkeypatch):
    assert "optimizer is adam: only sgd" in setting(maze, optimizer="adam").notes()[0]
    assert setting(maze).notes() == []
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="2 processes were started, and each would learn a table of its own"):
        train(setting(maze), Request("gridworld", out=tmp_path / "run"), quiet)
