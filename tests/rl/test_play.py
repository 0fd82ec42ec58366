"""Played episodes: their ends, lengths and returns."""

import pytest
import torch
from grids import TINY, drawings
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.rl.gridworld import gridworld
from gradschool.rl.play import chance, play


def always(world, action):
    return torch.nn.functional.one_hot(torch.full((len(world.land),), action), 4).float()


@settings(max_examples=20)
@given(drawings(), st.integers(0, 99), st.floats(0.1, 1))
def test_episodes_follow_the_rules_and_returns_are_sums(lines, seed, gamma):
    world = gridworld(lines, slip=0.2)
    uniform = torch.full((len(world.land), 4), 0.25)
    played = play(world, uniform, 5, 40, torch.Generator().manual_seed(seed))
    for i, length in enumerate(played.lengths.tolist()):
        total, state = 0.0, world.start
        for t in range(length):
            assert played.states[t, i] == state and world.alive[state]
            state = played.states[t + 1, i].item()
            assert state in world.land[played.states[t, i]]
            total += gamma**t * played.rewards[t, i].item()
        ended = lines[state // len(lines[0])][state % len(lines[0])] == "G"
        assert ended == bool(played.terminated[i]) and (ended or length == 40)
        assert (played.states[length:, i] == state).all() and not played.rewards[length:, i].any()
        # Sums of up to 40 rewards of -100 in float32.
        assert played.returns(gamma)[i].item() == pytest.approx(total, rel=1e-5)


def test_a_time_limit_is_no_end():
    world = gridworld(TINY)
    played = play(world, always(world, 0), 3, 7, torch.Generator())
    assert not played.terminated.any() and played.lengths.tolist() == [7, 7, 7]
    assert played.returns(1.0).tolist() == [-7.0, -7.0, -7.0]


def test_numbers_seed_the_chance_of_episodes():
    world = gridworld(("....", "S..G"), slip=0.5)
    uniform = torch.full((8, 4), 0.25)
    one, again, other = (
        play(world, uniform, 4, 50, chance(torch.arange(first, first + 4))).states[:9] for first in (3, 3, 4)
    )
    assert torch.equal(one, again) and not torch.equal(one, other)
