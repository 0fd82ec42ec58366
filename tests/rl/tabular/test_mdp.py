"""Exact solutions: the two-state process to the digit, linear programming, and each other."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gradschool.errors import UserError
from gradschool.rl.tabular import mdp as module
from gradschool.rl.tabular.mdp import (
    MDP,
    gamma_ranges,
    policy_iteration,
    random_mdp,
    two_states,
    value_iteration,
)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_two_states_to_the_digit():
    q = value_iteration(two_states(), 0.7)
    assert [[round(x, 2) for x in row] for row in q.tolist()] == [[4.98, 5.69], [10.98, 10.69]]
    assert [round(x, 2) for x in q.amax(1).tolist()] == [5.69, 10.98]
    assert q.argmax(1).tolist() == [1, 0]


def test_two_states_have_three_best_policies():
    """By hand: 2 gamma^2 - 3 gamma + 1 = 0 at 0.5, and 5 gamma^2 - 9 gamma + 4 = 0 at 0.8."""
    found = gamma_ranges(two_states(), steps=40)
    assert [policy for _, _, policy in found] == [(0, 0), (1, 0), (1, 1)]
    np.testing.assert_allclose([low for low, _, _ in found], [0, 0.5, 0.8], atol=1e-5)
    assert [high for _, high, _ in found][-1] == 1.0


@settings(max_examples=20)
@given(st.integers(0, 999), st.sampled_from([0.0, 0.5, 0.9]))
def test_both_iterations_solve_the_linear_programme(seed, gamma):
    """The least v with v >= r + gamma P v for every action (Puterman 1994, section 6.9)."""
    world = random_mdp(4, 3, seeded(seed))
    above = gamma * world.p.numpy() - np.eye(4)[:, None]
    least = linprog(np.ones(4), above.reshape(-1, 4), -world.r.numpy().reshape(-1), bounds=(None, None))
    found = value_iteration(world, gamma).amax(1)
    np.testing.assert_allclose(found, least.x, rtol=1e-6, atol=1e-6)
    *_, (policy, q) = policy_iteration(world, gamma)
    np.testing.assert_allclose(q.amax(1), found, rtol=1e-8, atol=1e-8)
    assert torch.equal(q.argmax(1), policy)


@given(st.integers(0, 999))
def test_each_policy_is_at_least_as_good_everywhere(seed):
    values = [
        q[torch.arange(5), policy] for policy, q in policy_iteration(random_mdp(5, 4, seeded(seed)), 0.9)
    ]
    for worse, better in pairwise(values):
        assert (better >= worse - 1e-9).all()


def test_an_episode_may_end():
    """One state that pays 1 and ends with probability 0.25 is worth 4."""
    assert value_iteration(MDP(torch.full((1, 1, 1), 0.75), torch.ones(1, 1)), 1.0).item() == pytest.approx(4)


def test_what_is_no_process_is_refused(monkeypatch):
    with pytest.raises(UserError, match=r"state 1, action 0 sum to 1\.5"):
        p = torch.tensor([[[1.0, 0]], [[0.5, 1]]])
        MDP(p, torch.zeros(2, 1))
    with pytest.raises(UserError, match=r"shape \(2, 1, 3\)"):
        MDP(torch.zeros(2, 1, 3), torch.zeros(2, 1))
    monkeypatch.setattr(module, "SWEEPS", 20)
    with pytest.raises(UserError, match="has not settled after 20 sweeps"):
        value_iteration(MDP(torch.ones(1, 1, 1), torch.ones(1, 1)), 1.0)
