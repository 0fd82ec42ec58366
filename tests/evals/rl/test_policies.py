"""Scores of policies and the sentence about them."""

import pytest
import torch

from gradschool.evals.rl.policies import Score, best_actions, largest_error, score, verdict
from gradschool.ops.control import epsilon_greedy
from gradschool.rl.exact import value_iteration
from gradschool.rl.gridworld import gridworld


def at(expected):
    return Score(expected, expected, 1.0, 1.0)


@pytest.mark.parametrize(
    ("learnt", "sentence"),
    [
        (-13.0, "The learnt policy is optimal (expected return -13, optimal -13, random -200)."),
        (-13.5, "The learnt policy is better than the random one but not optimal"),
        (-200.0, "The learnt policy is no better than the random one"),
        (-300.0, "The learnt policy is no better than the random one"),
    ],
)
def test_the_verdict_is_plain(learnt, sentence):
    assert sentence in verdict({"learnt": at(learnt), "optimal": at(-13.0), "random": at(-200.0)})


def test_the_optimal_policy_of_a_small_world():
    world = gridworld(("S..", "CCG"))
    exact = value_iteration(world, 1.0)
    found = score(world, epsilon_greedy(exact, 0.0), 1.0, 50, torch.arange(8))
    assert found == Score(-3.0, -3.0, 1.0, 3.0)
    assert best_actions(exact)[:3].tolist() == [[False, True, False, False]] * 2 + [
        [False, False, True, False]
    ]


def test_errors_count_where_something_was_learnt():
    exact, q = torch.zeros(3, 4, dtype=torch.float64), torch.zeros(3, 4)
    q[0, 1], q[2, 3] = -2.0, 9.0
    visits = torch.zeros(3, 4, dtype=torch.int64)
    visits[0], visits[1] = 1, 5
    assert largest_error(q, exact, visits) == 2.0
