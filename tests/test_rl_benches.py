"""The benchmark of agents that waits for a GPU, on the processor with a handful of worlds."""

import json

import pytest
import torch

from bench import common, rl_gpu
from gradschool.rl.worlds.cartpole import CartPole

SMALL = rl_gpu.Sizes(worlds=32, steps=16, rollouts=2, minibatches=2, patience=0.0)


def test_every_row_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    found = rl_gpu.run(SMALL, 2, 1, "cpu")
    assert json.loads((tmp_path / "rl_gpu.json").read_text()) == found
    *rates, goal = found["rows"].values()
    assert len(rates) == 4 and all(len(row["rounds"]) == 2 and row["steps_per_second"] > 0 for row in rates)
    # Sines of eight numbers at once may differ from those of one in the last digit.
    assert all(row["largest_error"] < 1e-6 for row in rates[:3])
    # Without patience no round is played.
    assert goal["steps"] == 0 and goal["test_return"] == 0


def test_a_rollout_goes_on_and_keeps_to_the_rules():
    torch.manual_seed(0)
    world = CartPole(8, 0)
    played = rl_gpu.Played(world, rl_gpu.by_chance("cpu"), 40, captured=False)
    first, ended = played()
    first = first._replace(**{name: value.clone() for name, value in first._asdict().items()})
    second, _ = played()
    over = first.ended[-1]
    assert torch.equal(second.observation[0][~over], first.final[-1][~over])
    # Without a policy all 8 poles fall within 40 steps or so; CartPole earns 1 a step.
    count = int(first.ended.sum())
    assert ended[1] == count > 0
    lengths, running = [], torch.zeros(8)
    for ends in first.ended:
        running += 1
        lengths += running[ends].tolist()
        running[ends] = 0
    assert ended[0] == sum(lengths)


def test_a_step_that_breaks_the_rules_is_seen():
    world = CartPole(4, 0)
    played, _ = rl_gpu.Played(world, rl_gpu.by_chance("cpu"), 5, captured=False)()
    assert rl_gpu.largest_error(world, played) < 1e-6
    wrong = played._replace(action=1 - played.action)
    assert rl_gpu.largest_error(world, wrong) > 0.1
    jumps = played._replace(observation=played.observation + torch.arange(5.0)[:, None, None])
    assert rl_gpu.largest_error(world, jumps) > 0.5


def test_the_learner_learns():
    sizes = rl_gpu.Sizes(worlds=64, steps=32, minibatches=4)
    learner = rl_gpu.Learner(sizes, False, 0, "cpu")
    reached = []
    for i in range(30):
        learner.round()
        if i % 10 == 9:
            reached.append(learner.tested(100))
    assert max(reached) > 100, "a pole that is pushed at random falls after 22 steps"


def test_without_a_gpu_nothing_is_measured(tmp_path, monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    with pytest.raises(common.BusyError, match="rl_gpu needs a CUDA GPU"):
        rl_gpu.run()
    assert not list(tmp_path.iterdir())
