"""The learner's own functions in agents: each runs in the recipe of its exercise, and a film shows it."""

import importlib
import json
from dataclasses import replace

import pytest

from gradschool.classroom.exercise.manifest import find_chapter
from gradschool.classroom.workspace.layout import Workspace, start, text_for
from gradschool.classroom.workspace.overlay import install
from gradschool.cli.main import main
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.train import train

CHAPTER = find_chapter("reinforcement")
NAMED = {exercise.id: exercise for exercise in CHAPTER.exercises if exercise.recipe}
FEW = {"hidden": (8,), "tested": 2, "evaluations": 1, "worlds": 4}
LEARNT = {"updates": 2, "minibatch": 8, "warm": 32, "memory": 100}
SMALL = {
    "gridworld": {"episodes": 3, "tested": 2, "evaluations": 1},
    "cartpole_ppo": FEW | {"batch_size": 64, "timesteps": 128, "minibatches": 2, "passes": 2},
    "cartpole_reinforce": FEW | {"batch_size": 400, "timesteps": 800},
    "cartpole_dqn": FEW | LEARNT | {"batch_size": 32, "timesteps": 128, "follow_every": 1},
    "pendulum_sac": FEW | LEARNT | {"batch_size": 32, "timesteps": 96},
}


@pytest.fixture
def work(tmp_path):
    """The chapter laid out; afterwards the library's functions are in force again."""
    work = Workspace(tmp_path / "work")
    start(CHAPTER, work)
    yield work
    for exercise in CHAPTER.exercises:
        getattr(importlib.import_module(exercise.module), exercise.function).mine = None


@pytest.mark.parametrize("name", NAMED)
def test_every_function_runs_in_the_recipe_of_its_exercise(name, work, tmp_path):
    exercise = NAMED[name]
    work.file(CHAPTER, exercise).write_text(text_for(CHAPTER, exercise, solved=True))
    (one,) = install(work, only=(name,))
    run = replace(find(exercise.recipe)(), **SMALL[exercise.recipe])
    train(run, Request(exercise.recipe, out=tmp_path / "run", device="cpu"), lambda text: None)
    assert one.calls > 0


def called(capsys, *words):
    """What a command printed."""
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert left.value.code == 0
    return capsys.readouterr().out


@pytest.mark.long
def test_the_agent_in_the_film_has_learnt_with_the_learners_function(work, tmp_path, capsys, monkeypatch):
    """Advantages of 0 teach nothing: that is what the film shows."""
    exercise, short = NAMED["gae"], ["--set", "timesteps=40960", "--set", "tested=10"]
    text = text_for(CHAPTER, exercise, solved=True)
    work.file(CHAPTER, exercise).write_text(text.replace("return advantages", "return 0 * advantages"))
    monkeypatch.setenv("GRADSCHOOL_WORK", str(work.root))
    told = called(capsys, "train", "cartpole_ppo", "--mine", *short, "--out", str(tmp_path / "mine"))
    assert "yours    gae (" in told and "ran: gae 20 times" in told
    shown = called(capsys, "play", str(tmp_path / "mine"), "--json", "--out", str(tmp_path / "mine.gif"))
    importlib.import_module(exercise.module).gae.mine = None
    called(capsys, "train", "cartpole_ppo", *short, "--out", str(tmp_path / "theirs"))
    earned = {
        name: json.loads((tmp_path / name / "result.json").read_text())["metrics"]["test_return"]
        for name in ("mine", "theirs")
    }
    assert earned["mine"] < 100 and earned["theirs"] > 2 * earned["mine"]
    assert json.loads(shown.splitlines()[-1])["returns"][0] < 100
