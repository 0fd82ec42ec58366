"""Runs of deep agents: what a folder holds, that a killed one goes on bit for bit, and what is refused."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.rl.normalise import NormalisedWorld
from gradschool.rl.player import Player
from gradschool.rl.world import make
from gradschool.runs.finish import rebuilt
from gradschool.runs.request import Request
from gradschool.runs.rl.agent import Spec
from gradschool.runs.rl.lens import Lens, lens_of
from gradschool.runs.train import resume, train
from gradschool.tasks.rl.agent import Stage

STEPS = 6
SMALL = {
    "cartpole_ppo": {"worlds": 4, "batch_size": 64, "timesteps": STEPS * 64, "minibatches": 2, "passes": 2},
    "cartpole_pqn": {"worlds": 4, "batch_size": 64, "timesteps": STEPS * 64, "minibatches": 2, "passes": 2},
    "cartpole_a2c": {"worlds": 4, "batch_size": 64, "timesteps": STEPS * 64},
    "cartpole_reinforce": {"worlds": 4, "batch_size": 400, "timesteps": STEPS * 400},
    "cartpole_dqn": {
        "worlds": 4, "batch_size": 32, "timesteps": STEPS * 32, "updates": 2, "minibatch": 8, "warm": 32,
        "memory": 100, "follow_every": 3, "priority": 0.6, "duel": True, "steps_ahead": 3, "keep": "last",
    },
    "pendulum_sac": {
        "worlds": 4, "batch_size": 32, "timesteps": STEPS * 32, "updates": 2, "minibatch": 8, "warm": 64,
        "memory": 100,
    },
    "tic_tac_toe_zero": {
        "worlds": 4, "batch_size": 36, "timesteps": STEPS * 36, "simulations": 4, "updates": 2, "memory": 60,
    },
    "cartpole_cloning": {"batch_size": 32, "timesteps": STEPS * 32, "episodes": 4},
    "cartpole_decision": {
        "batch_size": 32, "timesteps": STEPS * 32, "episodes": 4, "width": 8, "context": 4, "mistakes": 1.0,
    },
}  # fmt: skip


def small(name, **changes):
    usual = {"hidden": (8,), "tested": 2, "evaluations": 2, "save_every": 0.0}
    return replace(find(name)(), **(usual | SMALL[name] | changes))


def quiet(text):
    return None


class KilledError(Exception):
    """In place of kill -9."""


def kill_at(step):
    def hook(line):
        if line["step"] == step:
            raise KilledError

    return hook


def logged(folder):
    lines = map(json.loads, (folder.path / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.mark.parametrize("name", SMALL)
def test_a_killed_run_goes_on_bit_for_bit(name, tmp_path):
    run = small(name)
    whole = train(run, Request(name, 3, out=tmp_path / "whole", device="cpu"), quiet)
    with pytest.raises(KilledError):
        train(run, Request(name, 3, out=tmp_path / "cut", device="cpu"), quiet, [kill_at(4)])
    cut = resume(RunFolder(tmp_path / "cut"), run, Request(name, 3, device="cpu"), quiet)
    one, two = (load_file(each.path / "model.safetensors") for each in (whole, cut))
    assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
    a, b = whole.read("result.json"), cut.read("result.json")
    assert a["returns"] == b["returns"] and a["metrics"] == b["metrics"]
    assert logged(whole)[-3:] == logged(cut)[-3:]


def test_the_folder_says_what_was_reached_and_the_report_is_written(tmp_path):
    run = small("cartpole_dqn")
    folder = train(run, Request("cartpole_dqn", 0, out=tmp_path / "run", device="cpu"), quiet)
    result = folder.read("result.json")
    assert result["main"] == "test_return" and result["timesteps"] == STEPS * 32
    assert result["metrics"]["test_return"] == pytest.approx(sum(result["returns"]) / 2)
    page = run.report(folder).read_text()
    for title in ("Test episodes", "Learning curve", "Losses", "Exploration", "random actions (epsilon)"):
        assert title in page
    assert ("episodes per bin" in page) == (len(set(result["returns"])) > 1) and "images per bin" not in page
    assert "500" not in run.conclusion(result, "") and "test episodes" in run.conclusion(result, "")


def test_the_best_of_the_validation_episodes_is_kept(tmp_path):
    """Action values swing from update to update, so the last agent need not be the best one that was seen."""
    run = small("cartpole_dqn", keep="best", evaluations=3)
    folder = train(run, Request("cartpole_dqn", 0, out=tmp_path / "run", device="cpu"), quiet)
    seen = [(line["val_return"], line["step"]) for line in logged(folder) if "val_return" in line]
    assert len(seen) == 3
    best = next(step for value, step in seen if value == max(seen)[0])
    kept = load_file(folder.path / "model.safetensors")
    of_step = load_file(folder.path / f"checkpoints/step-{best:08d}/agent.safetensors")
    assert all(torch.equal(kept[name], of_step[name]) for name in kept)
    # What stands beside the test score is the score of these weights, not of the last.
    result = folder.read("result.json")
    assert result["metrics"]["val_return"] == max(seen)[0] and result["kept_step"] == best


def test_seeds_make_other_runs_and_are_tested_alike(tmp_path):
    run, found = small("cartpole_ppo"), []
    for seed in (0, 1):
        splits = run.open(seed)
        found.append((splits.train.seed, splits.test.numbers.tolist(), splits.val.numbers.tolist()))
    (a, test, val), (b, *others) = found
    assert a != b and [test, val] == others and not set(test) & set(val)


@pytest.mark.parametrize(
    ("name", "env", "said"),
    [("cartpole_dqn", "pendulum", "1 real number"), ("pendulum_sac", "cartpole", "to choose from"),
     ("cartpole_ppo", "cartpol", "cartpole")],
)  # fmt: skip
def test_what_an_agent_cannot_play_is_refused(name, env, said, tmp_path):
    run = small(name, env=env)
    with pytest.raises(UserError) as refusal:
        train(run, Request(name, out=tmp_path / "run", device="cpu"), quiet)
    assert said in f"{refusal.value.what} {refusal.value.wanted} {refusal.value.next_step}"
    assert not (tmp_path / "run").exists()


def test_who_waits_reads_which_world_is_made():
    for changes, world in (
        ({}, "cartpole"),
        ({"env": "acrobot"}, "acrobot"),
        ({"data": "pendulum"}, "pendulum"),
    ):
        assert small("cartpole_ppo", **changes).preparing() == f"making 4 worlds of {world}"
    assert find("digits")().preparing() == "reading digits"


def test_a_round_is_a_whole_number_of_steps():
    with pytest.raises(UserError, match="batch_size"):
        small("cartpole_ppo", worlds=3, batch_size=64).open(0)


def test_continuous_actions_are_played_by_ppo_too(tmp_path):
    run = small("cartpole_ppo", env="pendulum")
    folder = train(run, Request("cartpole_ppo", out=tmp_path / "run", device="cpu"), quiet)
    assert folder.read("result.json")["metrics"]["test_return"] < 0


def test_a_common_scale_is_learnt_kept_and_undone(tmp_path):
    """The run goes on with its statistics, returns are counted as they were, a film is played with them."""
    run = small("cartpole_ppo", standardise=True, timesteps=12 * 64)
    whole = train(run, Request("cartpole_ppo", 3, out=tmp_path / "whole", device="cpu"), quiet)
    with pytest.raises(KilledError):
        train(run, Request("cartpole_ppo", 3, out=tmp_path / "cut", device="cpu"), quiet, [kill_at(6)])
    cut = resume(RunFolder(tmp_path / "cut"), run, Request("cartpole_ppo", 3, device="cpu"), quiet)
    seen = whole.read("model.json")["seen"]
    assert seen == cut.read("model.json")["seen"] and seen["count"][0] >= 12 * 64
    assert whole.read("result.json")["returns"] == cut.read("result.json")["returns"]
    # CartPole earns 1 a step, whatever the agent is shown.
    metrics = whole.read("result.json")["metrics"]
    assert metrics["test_return"] == metrics["test_length"]
    learnt = [line for line in logged(whole) if "return" in line]
    assert learnt and all(line["return"] == line["length"] for line in learnt)
    assert whole.read("model.json")["value_unit"] != 1.0
    told = run.play(whole, 1, 0, tmp_path / "film.gif")
    assert told.facts["returns"] == told.facts["lengths"]


def test_values_are_told_in_rewards_as_they_are():
    """An agent that was given a tenth of each reward says a tenth of the value, the film ten times that."""
    run = small("cartpole_dqn", env="cartpole")
    world = make("cartpole", 1, 0)
    spec, stage = Spec("cartpole", (4,), world.actions), Stage(Player(world), None, env="cartpole")
    agent = run.agent(run.build(spec), stage)
    seen = torch.rand(3, 4)
    thought = agent.think(seen)
    told = Lens(agent, {"shape": [4], "value_unit": 10.0}).think(seen)
    assert torch.equal(told.value, 10 * thought.value) and torch.equal(told.numbers, 10 * thought.numbers)
    assert torch.equal(told.action, thought.action)
    scaled = NormalisedWorld(make("cartpole", 1, 0))
    for _ in range(30):
        scaled.step(torch.tensor([1]))
    assert lens_of(world, 0.1) == {"value_unit": pytest.approx(10)}
    unit = (scaled.gains.variance + 1e-8).sqrt().item() / 0.1
    assert lens_of(scaled, 0.1)["value_unit"] == pytest.approx(unit)


def test_a_film_is_of_the_policy_that_is_tested(tmp_path):
    """A decision transformer acts by what came before in the episode, in films as in tests."""
    run = small("cartpole_decision")
    folder = train(run, Request("cartpole_decision", 1, out=tmp_path / "run", device="cpu"), quiet)
    told = run.play(folder, 1, 5, tmp_path / "film.gif")
    world = make("cartpole", 1, 5)
    stage = Stage(Player(make("cartpole", 1, 5)), None, env="cartpole")
    agent = run.agent(rebuilt(folder, run)[0].eval(), stage)
    world.reset(None)  # a player begins by a reset, as in `play`
    with torch.inference_mode():
        returns, _ = agent.tested(world)
    assert told.facts["returns"] == returns.tolist()


def test_logged_play_is_not_put_on_another_scale():
    with pytest.raises(UserError, match="standardise is true for an agent that learns from logged play"):
        small("cartpole_cloning", standardise=True).refuse(Spec("cartpole", (4,), None))


@pytest.mark.parametrize("name", ["cartpole_ppo", "cartpole_dqn"])
def test_a_game_with_planes_is_learnt_through_convolutions(name, tmp_path):
    run = small(name, env="breakout", timesteps=2 * SMALL[name]["batch_size"], evaluations=1)
    folder = train(run, Request(name, out=tmp_path / "run", device="cpu"), quiet)
    weights = load_file(folder.path / "model.safetensors")
    assert any(key.endswith("body.0.weight") and each.dim() == 4 for key, each in weights.items())
    assert folder.read("result.json")["metrics"]["test_return"] >= 0
