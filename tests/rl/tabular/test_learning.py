"""Values that are learned from episodes get near the exact ones."""

import pytest
import torch

from gradschool.ops.rl.planning import policy_evaluation
from gradschool.rl.tabular.learning import (
    Learning,
    control,
    monte_carlo,
    played,
    q_learning_trace,
    td_lambda,
)
from gradschool.rl.tabular.mdp import MDP, chosen, two_states, value_iteration


def walk(states=5):
    """A random walk, whatever is done; it ends at both ends, and pays 1 at the right one."""
    p, r = torch.zeros(states, 1, states), torch.zeros(states, 1)
    for s in range(states):
        for t in (s - 1, s + 1):
            if 0 <= t < states:
                p[s, 0, t] = 0.5
    r[-1] = 0.5
    return MDP(p, r)


ONE = torch.ones(5, 1, dtype=torch.float64)


def test_the_walk_is_worth_sixths():
    exact = policy_evaluation(walk().p, walk().r, ONE, 1.0)
    torch.testing.assert_close(exact, torch.arange(1, 6).double() / 6)


def test_monte_carlo_is_unbiased():
    found = monte_carlo(walk(), ONE, 600, Learning(gamma=1.0), seed=0)
    # The return of the expected reward: its deviation is below 0.5, so five deviations of a mean are 0.11.
    torch.testing.assert_close(found, torch.arange(1, 6).double() / 6, atol=0.11, rtol=0)


@pytest.mark.parametrize(("lam", "alpha"), [(0.0, 0.05), (0.8, 0.02)])
def test_td_gets_near(lam, alpha):
    found = td_lambda(walk(), ONE, 400, Learning(gamma=1.0, alpha=alpha, lam=lam), seed=0)
    torch.testing.assert_close(found, torch.arange(1, 6).double() / 6, atol=0.15, rtol=0)


def test_q_learning_finds_the_best_policy_of_two_states():
    learning = Learning(gamma=0.7, alpha=0.2, epsilon=0.3, limit=100)
    q = control(two_states(), "q-learning", 20, learning, seed=0)
    torch.testing.assert_close(q, value_iteration(two_states(), 0.7), atol=0.15, rtol=0)


def test_sarsa_values_the_policy_that_it_plays():
    """With epsilon = 1 it is the uniform policy, whose values are lower than the best ones."""
    learning = Learning(gamma=0.7, alpha=0.02, epsilon=1.0, limit=100)
    q = control(two_states(), "sarsa", 40, learning, seed=0)
    uniform = torch.full((2, 2), 0.5, dtype=torch.float64)
    exact = policy_evaluation(two_states().p, two_states().r, uniform, 0.7)
    torch.testing.assert_close(q.mean(1), exact, atol=0.5, rtol=0)


def test_traces_reach_the_start_within_one_episode():
    """A corridor of three steps that pays at its end: without traces only the last step learns."""
    p = torch.zeros(3, 1, 3)
    p[0, 0, 1] = p[1, 0, 2] = 1
    world, seen = MDP(p, torch.tensor([[0.0], [0.0], [1.0]])), {}
    for lam in (0.0, 1.0):
        learning = Learning(gamma=1.0, alpha=0.5, lam=lam, start=0)
        seen[lam] = control(world, "sarsa", 1, learning, seed=0).flatten().tolist()
    assert seen == {0.0: [0, 0, 0.5], 1.0: [0.5, 0.5, 0.5]}


def test_an_episode_that_does_not_end_is_cut_off():
    policy = chosen(torch.tensor([0, 0]), 2)
    episode = played(two_states(), policy, Learning(limit=7, start=0), torch.Generator().manual_seed(0))
    assert episode.states.tolist() == [0] * 8 and episode.rewards.tolist() == [1.0] * 7


def test_a_trace_of_q_learning_on_paper():
    """Alpha 0.5, gamma 0.7: -2 / 2 = -1; 7 / 2 = 3.5; then -0.5 + 0.5 (-2 + 0.7 * 3.5) = -0.275."""
    tables = q_learning_trace(two_states(), [(0, 1), (1, 0), (0, 1)], [1, 0, 1], 0.7, 0.5)
    assert [round(q[s, a].item(), 6) for q, (s, a) in zip(tables, [(0, 1), (1, 0), (0, 1)], strict=True)] == [
        -1.0, 3.5, -0.275
    ]  # fmt: skip
