"""An environment that goes wrong in the middle of a run: one sentence, and once mended the run goes on."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.recipes import find
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")

ENV = """
from pathlib import Path
import gymnasium
import numpy as np

class Walk(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-100, 100, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self):
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at, self.time = self.np_random.uniform(-1, 1), 0
        return np.array([self.at], np.float32), {}

    def step(self, action):
        self.steps, self.time = self.steps + 1, self.time + 1
        self.at += 2 * int(action) - 1
        seen, reward = np.array([self.at], np.float32), -abs(self.at)
        file = Path(__file__).with_suffix(".wrong")
        wrong = file.read_text() if self.steps > 100 and file.exists() else ""
        if wrong == "raises":
            raise ValueError("too hot")
        if wrong == "nan":
            seen[0] = np.nan
        if wrong == "reward":
            reward = float("nan")
        if wrong == "shape":
            seen = np.zeros(2, np.float32)
        if wrong == "type":
            seen = ["a word"]
        return seen, reward, abs(self.at) > 4, self.time >= 20, {}
"""
SENTENCES = {
    "raises": r"step of .*walk.py:Walk raised ValueError: too hot. It happens after reset\(seed=\d+\) and "
    r"\d+ actions?, the last of them [01](, [01])*\.",
    "nan": r"an observation of .*walk.py:Walk holds 1 NaN or infinite number; wanted: finite numbers",
    "reward": r"walk.py:Walk gave the reward nan; wanted: a finite number. It happens after reset",
    "shape": r"an observation of .*walk.py:Walk has the shape \(2,\); wanted: \(1,\) as its obs",
    "type": r"an observation of .*walk.py:Walk cannot be read: ValueError: .*; wanted: one of its observ",
}
USUAL = {"hidden": (8,), "tested": 2, "evaluations": 1, "save_every": 0.0, "worlds": 2, "batch_size": 16}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "walk.py").write_text(ENV, encoding="utf-8")
    usual = USUAL | {"timesteps": 16 * 20, "minibatches": 2, "env": f"{tmp_path / 'walk.py'}:Walk"}
    return replace(find("cartpole_ppo")(), **usual)


def trained(run, out):
    return train(run, Request("cartpole_ppo", 1, out=out, device="cpu"), lambda text: None)


def test_a_file_of_ones_own_is_found_again_from_another_folder(run, tmp_path, monkeypatch):
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    folder = trained(replace(run, env="walk.py:Walk"), tmp_path / "walked")
    monkeypatch.chdir(tmp_path / "away")
    again, _ = reopen(folder)
    assert again.env == f"{tmp_path.resolve() / 'walk.py'}:Walk"
    assert again.play(folder, 1, 0, None).lines[0].startswith("episode 1: return")


@pytest.mark.parametrize("wrong", SENTENCES)
def test_nothing_is_lost(wrong, run, tmp_path):
    whole = trained(run, tmp_path / "whole")
    # 1. After 100 steps of a copy it goes wrong; the sentence says where the run is saved.
    (tmp_path / "walk.wrong").write_text(wrong, encoding="utf-8")
    with pytest.raises(WorkFailed, match=SENTENCES[wrong]) as failure:
        trained(run, tmp_path / "cut")
    said = str(failure.value)
    assert "\n" not in said and "Step 12 is saved; then go on with: gradschool train --resume" in said
    # 2. Once it is mended the run is the one that never failed.
    (tmp_path / "walk.wrong").unlink()
    again = Request("cartpole_ppo", 1, device="cpu")
    cut = resume(RunFolder(tmp_path / "cut"), run, again, lambda text: None)
    one, two = (load_file(each.path / "model.safetensors") for each in (whole, cut))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert whole.read("result.json")["returns"] == cut.read("result.json")["returns"]


def test_what_never_ends_is_told(run, tmp_path, monkeypatch):
    file = tmp_path / "walk.py"
    file.write_text(ENV.replace("abs(self.at) > 4, self.time >= 20", "False, False"), encoding="utf-8")
    monkeypatch.setattr("gradschool.rl.gym.LONGEST", 60)
    with pytest.raises(WorkFailed, match="Walk has not ended after 60 steps; wanted: one that") as said:
        trained(run, tmp_path / "endless")
    assert "TimeLimit" in str(said.value) and "--resume" in str(said.value)


@pytest.mark.parametrize(
    ("recipe", "old", "new", "said"),
    [
        ("cartpole_dqn", "Discrete(2)", "Box(-1, 1, (2,))", "2 real numbers"),
        ("cartpole_pqn", "Discrete(2)", "Box(-1, 1, (2,))", "2 real numbers"),
        ("cartpole_dqn", "Discrete(2)", "Box(-1, 1, (1,))", "Walk is 1 real number, and an agent"),
        ("pendulum_sac", "", "", "2 actions to choose from"),
        ("cartpole_ppo", "Discrete(2)", "Tuple((gymnasium.spaces.Discrete(2),))", "is a Tuple; wanted: Disc"),
        ("cartpole_ppo", "Box(-100, 100, (1,), np.float32)", "Discrete(2)", "checker: "),
        ("tic_tac_toe_zero", "", "", "is no game of two players"),
        ("cartpole_cloning", "", "", "there is no hand-written player"),
    ],
)  # fmt: skip
def test_an_agent_that_cannot_act_in_it_says_so(recipe, old, new, said, tmp_path):
    file = tmp_path / "walk.py"
    file.write_text(ENV.replace(old, new).replace("int(action)", "1"), encoding="utf-8")
    run = replace(find(recipe)(), env=f"{file}:Walk")
    with pytest.raises(UserError) as refusal:
        train(run, Request(recipe, out=tmp_path / "run", device="cpu"), lambda text: None)
    assert said in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()
