"""Value iteration against linear programming, policy values against powers of a matrix, play against both."""

import numpy as np
import pytest
import torch
from grids import CLIFF, drawings
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gradschool.errors import UserError
from gradschool.ops.control import epsilon_greedy
from gradschool.rl import exact
from gradschool.rl.exact import policy_value, value_iteration
from gradschool.rl.gridworld import gridworld
from gradschool.rl.play import chance, play


def model(world):
    """Transition matrix (s, a, s) among states that go on, and mean rewards (s, a), by a plain loop."""
    states = len(world.land)
    move, earn = np.zeros((states, 4, states)), np.zeros((states, 4))
    for s in range(states):
        for a in range(4):
            for turn, share in ((0, 1 - world.slip), (1, world.slip / 2), (3, world.slip / 2)):
                d = (a + turn) % 4
                earn[s, a] += share * world.reward[s, d].item()
                move[s, a, world.land[s, d]] += share * (not world.ends[s, d])
    return move, earn


@settings(max_examples=15)
@given(drawings(3, 3), st.sampled_from([0.0, 0.3]), st.sampled_from([0.5, 0.95]))
def test_optimal_values_solve_the_linear_programme(lines, slip, gamma):
    """The least v with v >= r + gamma P v for every action (Puterman 1994, section 6.9)."""
    world = gridworld(lines, slip)
    move, earn = model(world)
    states = len(world.land)
    above = gamma * move - np.eye(states)[:, None]
    solved = linprog(np.ones(states), above.reshape(-1, states), -earn.reshape(-1), bounds=(None, None))
    best = value_iteration(world, gamma).amax(1).numpy()
    # The solver's own tolerance is 1e-7 of numbers up to some hundreds.
    np.testing.assert_allclose(best, solved.x, rtol=1e-5, atol=1e-5)


def test_values_of_the_cliff_walk_are_minus_the_steps_to_the_goal():
    q = value_iteration(gridworld(("....", "....", "SCCG")), 1.0)
    assert q.amax(1)[:8].tolist() == [-5, -4, -3, -2, -4, -3, -2, -1]
    assert q[8].tolist() == [-5, -105, -6, -6]  # up; into the cliff; against the edge, twice


@settings(max_examples=15)
@given(drawings(3, 3), st.sampled_from([0.0, 0.3]), st.integers(0, 99), st.integers(1, 12))
def test_a_policys_value_is_the_sum_of_its_chain(lines, slip, seed, limit):
    world, gamma = gridworld(lines, slip), 0.9
    policy = torch.rand(len(world.land), 4, generator=torch.Generator().manual_seed(seed)).softmax(1)
    move, earn = model(world)
    weights = policy.double().numpy()
    chain, reward = np.einsum("sa,sat->st", weights, move), (weights * earn).sum(1)
    wanted = sum(gamma**t * np.linalg.matrix_power(chain, t) @ reward for t in range(limit))
    assert policy_value(world, policy, gamma, limit) == pytest.approx(wanted[world.start])


def test_played_episodes_earn_what_is_expected():
    world, n = gridworld(CLIFF, slip=0.2), 4000
    policy = epsilon_greedy(value_iteration(world, 1.0), 0.2)
    returns = play(world, policy, n, 30, chance(torch.arange(n))).returns(0.95)
    wanted = policy_value(world, policy, 0.95, 30)
    assert abs(returns.mean().item() - wanted) < 5 * returns.std().item() / n**0.5


def test_values_that_do_not_settle_are_a_sentence(monkeypatch):
    monkeypatch.setattr(exact, "SWEEPS", 20)
    with pytest.raises(UserError, match="value iteration has not settled after 20 sweeps"):
        value_iteration(gridworld(CLIFF, slip=0.9), 1.0)
