"""Replay memory against a plain list of transitions: what is kept, what is drawn, sums of n rewards."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.rl.protocol import Step
from gradschool.rl.replay import Memory, Replay

GAMMA = 0.9


def filled(memory, worlds, rows, seed=0):
    """A memory after `rows` steps of `worlds` worlds, and the same as lists; observations count steps."""
    g = torch.Generator().manual_seed(seed)
    replay, told = Replay(memory, torch.zeros(worlds, 2), torch.zeros(worlds, dtype=torch.int64)), []
    for t in range(rows):
        observation = torch.stack((torch.full((worlds,), float(t)), torch.arange(float(worlds))), 1)
        action = torch.randint(3, (worlds,), generator=g)
        terminated = torch.rand(worlds, generator=g) < 0.2
        truncated = ~terminated & (torch.rand(worlds, generator=g) < 0.2)
        reward = torch.randn(worlds, generator=g)
        step = Step(observation + 100, reward, terminated, truncated, observation + 0.5)
        replay.add(observation, action, step)
        told.append((action, reward, terminated, truncated))
    return replay, told


def by_hand(told, t, world, n):
    """Reward, last step, discount and termination of n steps from t on."""
    reward, discount = 0.0, 1.0
    for k in range(n):
        reward += discount * told[t + k][1][world].item()
        discount *= GAMMA
        if told[t + k][2][world] or told[t + k][3][world]:
            break
    return reward, t + k, discount, bool(told[t + k][2][world])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(8, 40), st.sampled_from([0.0, 0.7]), st.integers(0, 99)
)
def test_draws_what_was_played(n, worlds, rows, alpha, seed):
    replay, told = filled(Memory(10 * worlds, GAMMA, n, alpha), worlds, rows, seed)
    torch.manual_seed(seed)
    drawn = replay.draw(64, 0.5)
    assert len(replay) == worlds * min(rows, 10)
    for i in range(64):
        t, world = int(drawn.observation[i, 0]), int(drawn.observation[i, 1])
        assert max(0, rows - 10) <= t <= rows - n
        reward, last, discount, terminated = by_hand(told, t, world, n)
        assert drawn.action[i] == told[t][0][world]
        assert drawn.reward[i].item() == pytest.approx(reward, abs=1e-5)
        assert drawn.later[i, 0] == last + 0.5  # what was seen before any reset
        assert drawn.discount[i].item() == pytest.approx(discount, abs=1e-6)
        assert drawn.terminated[i] == terminated


def test_truncation_is_not_termination():
    replay = Replay(Memory(4, GAMMA), torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64))
    no, yes = torch.tensor([False]), torch.tensor([True])
    step = Step(torch.tensor([[7.0]]), torch.ones(1), no, yes, torch.tensor([[3.0]]))
    replay.add(torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64), step)
    drawn = replay.draw(3)
    assert not drawn.terminated.any() and (drawn.later == 3.0).all() and (drawn.discount == GAMMA).all()


def test_uniform_draws_are_uniform():
    replay, _ = filled(Memory(20, GAMMA), 2, 25)
    torch.manual_seed(0)
    counts = torch.bincount(replay.draw(20_000).place, minlength=20)
    # 1,000 are expected at each place; five standard deviations of a binomial are 155.
    assert (counts - 1000).abs().max() < 155


def test_draws_by_priority_are_in_proportion():
    replay, _ = filled(Memory(8, GAMMA, 1, 1.0), 2, 4)
    replay.learnt(torch.arange(8), torch.arange(8.0))
    torch.manual_seed(0)
    drawn = replay.draw(28_000, 1.0)
    counts = torch.bincount(drawn.place, minlength=8)
    torch.testing.assert_close(counts / 1000, torch.arange(8.0), atol=0.15, rtol=0)
    # Fully corrected, every transition counts alike in the end: as many draws times its weight.
    often = drawn.place > 0
    weight = drawn.weight[often] * drawn.place[often]
    torch.testing.assert_close(weight, weight[:1].expand_as(weight), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("rows", [3, 12])
def test_goes_on_as_it_was(rows):
    memory = Memory(10, GAMMA, 2, 0.6)
    one, _ = filled(memory, 2, rows)
    two = Replay(memory, torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64))
    two.load({name: value.clone() for name, value in one.state().items()})
    for each in (one, two):
        torch.manual_seed(3)
        each.learnt(torch.tensor([1, 2]), torch.tensor([5.0, 0.1]))
    draws = []
    for each in (one, two):
        torch.manual_seed(3)
        draws.append(each.draw(32, 0.4))
    for a, b in zip(*draws, strict=True):
        assert torch.equal(a, b)
