"""Planning, traces and bandits against loops, powers of a matrix and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gradschool.ops.rl.bandit import thompson_draw, ucb_scores
from gradschool.ops.rl.planning import bellman_backup, policy_evaluation
from gradschool.ops.rl.traces import trace_update

seeds = st.integers(0, 10_000)


def world(seed, s=4, a=3):
    """Transitions with some chance of an end, rewards and a policy."""
    g = torch.Generator().manual_seed(seed)
    p = torch.rand(s, a, s, generator=g, dtype=torch.float64)
    p = 0.9 * p / p.sum(2, keepdim=True)
    policy = torch.rand(s, a, generator=g, dtype=torch.float64).softmax(1)
    return p, torch.randn(s, a, generator=g, dtype=torch.float64), policy


@given(seeds, st.sampled_from([0.0, 0.7, 1.0]))
def test_a_backup_is_a_plain_loops(seed, gamma):
    p, r, _ = world(seed)
    v = r[:, 0]
    q = bellman_backup(p, r, v, gamma)
    for s in range(4):
        for a in range(3):
            later = sum(p[s, a, t].item() * v[t].item() for t in range(4))
            assert q[s, a].item() == pytest.approx(r[s, a].item() + gamma * later)


@given(seeds, st.sampled_from([0.0, 0.7, 1.0]))
def test_the_values_of_a_policy_are_the_sum_of_its_chain(seed, gamma):
    p, r, policy = world(seed)
    chain, earned = np.einsum("sa,sat->st", policy, p), (policy * r).sum(1).numpy()
    wanted = sum(gamma**k * np.linalg.matrix_power(chain, k) @ earned for k in range(300))
    np.testing.assert_allclose(policy_evaluation(p, r, policy, gamma), wanted, rtol=1e-8, atol=1e-10)


@given(seeds, st.booleans())
def test_a_trace_is_a_plain_loops(seed, replacing):
    g = torch.Generator().manual_seed(seed)
    value, trace = torch.randn(4, generator=g, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    v, e = value.tolist(), trace.tolist()
    for s in torch.randint(4, (6,), generator=g).tolist():
        error = torch.randn((), generator=g, dtype=torch.float64)
        value, trace = trace_update(value, trace, torch.tensor(s), error, (0.3, 0.8), replacing)
        e = [0.8 * x for x in e]
        e[s] = 1 if replacing else e[s] + 1
        v = [x + 0.3 * error.item() * y for x, y in zip(v, e, strict=True)]
    np.testing.assert_allclose(value, v, rtol=1e-12)
    np.testing.assert_allclose(trace, e, rtol=1e-12)


def test_traces_of_lambda_one_reach_the_first_state_in_full():
    value, trace = torch.zeros(3), torch.zeros(3)
    for s, error in ((0, 0.0), (1, 0.0), (2, 1.0)):
        value, trace = trace_update(value, trace, torch.tensor(s), torch.tensor(error), (0.5, 1.0))
    assert value.tolist() == [0.5, 0.5, 0.5]


def test_ucb_by_hand():
    total, pulls = torch.tensor([3.0, 1.0, 0.0]), torch.tensor([4.0, 1.0, 0.0])
    found = ucb_scores(total, pulls)
    wanted = [0.75 + (2 * np.log(5) / 4) ** 0.5, 1 + (2 * np.log(5)) ** 0.5, np.inf]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_thompson_draws_follow_the_posterior():
    won, lost = torch.full((4000,), 3.0), torch.full((4000,), 5.0)
    drawn = thompson_draw(won, lost, torch.Generator().manual_seed(0))
    assert stats.kstest(drawn.numpy(), stats.beta(4, 6).cdf).pvalue > 0.001
