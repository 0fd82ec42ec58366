"""Losses and densities of policies against torch.distributions, plain loops and finite differences."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, Independent, Normal, TanhTransform, TransformedDistribution

from gradschool.ops.rl.policy import (
    gaussian_log_prob,
    policy_entropy,
    ppo_loss,
    reinforce_loss,
    squashed_gaussian_log_prob,
)

seeds = st.integers(0, 10_000)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seeds)
def test_entropy_is_torchs(seed):
    logits = 3 * draw(seed, 4, 5)
    torch.testing.assert_close(policy_entropy(logits), Categorical(logits=logits).entropy())


def test_entropy_of_ends_and_of_actions_that_are_not_allowed():
    logits = torch.tensor([[0.0, 0, 0, 0], [99, 0, 0, 0], [0, 0, -math.inf, -math.inf]], requires_grad=True)
    found = policy_entropy(logits)
    torch.testing.assert_close(found, torch.tensor([math.log(4), 0, math.log(2)]))
    found.sum().backward()
    assert logits.grad.isfinite().all()


@given(seeds)
def test_gaussian_densities_are_torchs(seed):
    x, mean, log_std = draw(seed, 3, 4), draw(seed + 1, 3, 4), draw(seed + 2, 4)
    normal = Independent(Normal(mean, log_std.exp()), 1)
    torch.testing.assert_close(gaussian_log_prob(x, mean, log_std), normal.log_prob(x))


@given(seeds)
def test_squashed_densities_are_torchs(seed):
    u, mean, log_std = draw(seed, 3, 4), draw(seed + 1, 3, 4), draw(seed + 2, 3, 4) / 2
    squashed = TransformedDistribution(Independent(Normal(mean, log_std.exp()), 1), TanhTransform())
    wanted = squashed.log_prob(u.tanh())
    torch.testing.assert_close(squashed_gaussian_log_prob(u, mean, log_std), wanted, rtol=1e-6, atol=1e-6)


def test_a_squashed_density_sums_to_one_and_stays_finite():
    u = torch.linspace(-9, 9, 200_001, dtype=torch.float64)[:, None]
    density = squashed_gaussian_log_prob(u, torch.tensor([0.3]).double(), torch.tensor([-0.2]).double()).exp()
    assert torch.trapezoid(density, u[:, 0].tanh()).item() == pytest.approx(1, abs=1e-6)
    far = squashed_gaussian_log_prob(torch.tensor([[40.0], [-40.0]]), torch.zeros(1), torch.zeros(1))
    torch.testing.assert_close(far, torch.full((2,), -800 - 0.5 * math.log(2 * math.pi) + 80 - math.log(4)))


@given(seeds, st.floats(0.05, 0.5))
def test_ppo_is_the_smaller_gain_of_each_action(seed, clip):
    log_p, old, advantage = draw(seed, 6), draw(seed + 1, 6), draw(seed + 2, 6)
    gains = []
    for new, was, a in zip(log_p.tolist(), old.tolist(), advantage.tolist(), strict=True):
        ratio = math.exp(new - was)
        gains.append(min(ratio * a, min(max(ratio, 1 - clip), 1 + clip) * a))
    assert ppo_loss(log_p, old, advantage, clip).item() == pytest.approx(-sum(gains) / 6)


def test_ppo_at_the_old_policy_has_the_gradient_of_reinforce():
    log_p, advantage = draw(0, 8).requires_grad_(), draw(1, 8)
    (ppo,) = torch.autograd.grad(ppo_loss(log_p, log_p.detach(), advantage), log_p)
    loss = reinforce_loss(log_p, advantage, torch.zeros(8).double())
    (reinforce,) = torch.autograd.grad(loss, log_p)
    torch.testing.assert_close(ppo, reinforce)


def test_no_gradient_flows_where_enough_was_gained():
    """Above 1 + clip with a positive advantage, below 1 - clip with a negative one; elsewhere it does."""
    log_p = torch.tensor([0.5, -0.5, 0.5, -0.5], requires_grad=True)
    ppo_loss(log_p, torch.zeros(4), torch.tensor([1.0, -1.0, -1.0, 1.0])).backward()
    assert (log_p.grad != 0).tolist() == [False, False, True, True]


def test_a_baseline_gets_no_gradient_and_changes_no_expectation():
    """Softmax over three actions: the expected gradient, summed over all actions, for two baselines."""
    logits, reward = torch.tensor([0.2, -0.4, 1.0]).double(), torch.tensor([1.0, 5.0, -2.0]).double()

    def expected(baseline):
        x = logits.clone().requires_grad_()
        p, total = x.softmax(0).detach(), 0
        for a in range(3):
            total = total + p[a] * reinforce_loss(x.log_softmax(0)[a], reward[a], baseline)
        return torch.autograd.grad(total, x)[0]

    torch.testing.assert_close(expected(torch.tensor(0.0).double()), expected(torch.tensor(7.0).double()))
    baseline = torch.zeros(2, requires_grad=True)
    loss = reinforce_loss(torch.zeros(2, requires_grad=True), torch.ones(2), baseline)
    assert torch.autograd.grad(loss, baseline, allow_unused=True) == (None,)


def test_what_would_broadcast_is_refused():
    with pytest.raises(ValueError, match="equal ones were wanted"):
        ppo_loss(torch.zeros(4, 1), torch.zeros(4), torch.zeros(4))
    with pytest.raises(ValueError, match="clip is 0"):
        ppo_loss(torch.zeros(4), torch.zeros(4), torch.zeros(4), 0.0)
