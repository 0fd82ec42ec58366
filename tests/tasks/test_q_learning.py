"""The task against a plain loop over the same transitions, and what a time limit is and is not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.engine.device import Machine
from gradschool.engine.loop import Plan, fit
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.schedule import Schedule
from gradschool.engine.update import Stepper, Stepping
from gradschool.models.policy.q_table import QTable
from gradschool.rl.gridworld import gridworld
from gradschool.tasks.q_learning import Playing, QLearning

ROOM = ("...", "S#.", "CCG")


class Episodes:
    """Ten episodes an epoch, `size` of them a step."""

    def __init__(self, size=1):
        self.size = size

    def __len__(self):
        return 10

    def epoch(self, number, start=0):
        for position in range(start, 10):
            yield (torch.arange(position * self.size, (position + 1) * self.size),)


class Watched(QLearning):
    """Remembers every transition that it learns from."""

    def __init__(self, *words):
        super().__init__(*words)
        self.seen = []

    def loss(self, batch):
        self.seen.append([each.item() for each in batch])
        return super().loss(batch)


def learn(playing, slip=0.0, alpha=0.5, steps=10, size=1, seed=0):
    world = gridworld(ROOM, slip)
    task = Watched(QTable(len(world.land), 4), world, playing, "test")
    optimizer = {"table": make_optimizer(task.parts["table"], Optim("sgd", alpha))}
    stepper = Stepper(task, optimizer, Machine("cpu", "fp32", False), Stepping(Schedule("constant")))
    lines = []
    fit(task, Episodes(size), None, stepper, Plan(steps, seed), hooks=[lines.append])
    return task, lines


@settings(max_examples=3)
@given(st.integers(0, 99), st.sampled_from([0.0, 0.4]), st.sampled_from([0.1, 0.5, 1.0]))
def test_training_is_the_rule_of_q_learning(seed, slip, alpha):
    """The rule as the book has it (eq. 6.8), over the transitions that the task met."""
    task, _ = learn(Playing(0.9, (0.5, 0.0), 12), slip, alpha, seed=seed)
    q, visits = np.zeros((9, 4)), np.zeros((9, 4), dtype=int)
    for state, action, reward, after, terminated in task.seen:
        target = reward + (0.0 if terminated else 0.9 * q[after].max())
        q[state, action] += alpha * (target - q[state, action])
        visits[state, action] += 1
    table = task.parts["table"]
    # float32 against float64, some hundred updates of numbers up to 100.
    np.testing.assert_allclose(table.values.detach().numpy(), q, rtol=1e-4, atol=1e-4)
    assert np.array_equal(table.visits.numpy(), visits)


def test_transitions_are_those_of_the_world_and_episodes_begin_at_the_start():
    task, lines = learn(Playing(1.0, (1.0, 1.0), 15))
    world, begins = task.world, True
    for i, (state, action, reward, after, terminated) in enumerate(task.seen):
        assert not begins or state == world.start
        assert (after, reward) == (world.land[state, action].item(), world.reward[state, action].item())
        assert terminated == world.ends[state, action].item()
        follows = i + 1 < len(task.seen) and task.seen[i + 1][0] == after
        begins = terminated or not follows
    assert sum(line["length"] for line in lines) == len(task.seen)
    assert sum(line["return"] for line in lines) == sum(reward for _, _, reward, _, _ in task.seen)
    assert max(line["length"] for line in lines) <= 15


def test_an_episode_that_the_limit_cuts_off_still_counts_what_would_have_come():
    world = gridworld(("SG",))
    table = QTable(2, 4)
    with torch.no_grad():
        table.values[0] = torch.tensor([-8.0, -9.0, -9.0, -9.0])  # up, against the edge, looks best
    task = QLearning(table, world, Playing(1.0, (0.0, 0.0), 1))
    optimizer = {"table": make_optimizer(table, Optim("sgd", 1.0))}
    stepper = Stepper(task, optimizer, Machine("cpu", "fp32", False), Stepping(Schedule("constant")))
    found = task.step((torch.tensor([0]),), stepper)
    assert found["length"] == 1 and table.values[0, 0].item() == -1 + -8


@pytest.mark.parametrize("size", [1, 3])
def test_a_step_plays_as_many_episodes_as_its_batch_has(size):
    task, lines = learn(Playing(1.0, (0.3, 0.3), 12), steps=4, size=size)
    played = sum(line["length"] * size for line in lines)
    assert played == pytest.approx(len(task.seen), rel=1e-6)


def test_exploration_changes_linearly():
    playing = Playing(epsilon=(0.8, 0.2))
    assert [playing.epsilon_at(p) for p in (0.0, 0.5, 1.0)] == pytest.approx([0.8, 0.5, 0.2])


def test_held_out_episodes_are_played_greedily_and_not_learnt_from():
    task, _ = learn(Playing(1.0, (0.3, 0.0), 30), steps=40)
    before = task.parts["table"].values.detach().clone()
    scores = task.evaluate(iter([(torch.arange(7),), (torch.arange(7, 9),)]))
    assert scores == {"test_return": -5.0, "test_goal": 1.0}  # up, right, right, down, down
    assert torch.equal(task.parts["table"].values, before)
    lost = replace(task.playing, limit=4)
    task.playing = lost
    assert task.evaluate(iter([(torch.arange(3),)])) == {"test_return": -4.0, "test_goal": 0.0}
