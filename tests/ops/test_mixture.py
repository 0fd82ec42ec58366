"""Scores against autograd and torch's mixtures, the perfect answer against Bayes' rule on a grid."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from gradschool.ops import mixture as ops

MEANS = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.0, -2.0]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)


def drawn(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mixture(means, weights, variance):
    peaks = Independent(Normal(means, math.sqrt(variance)), 1)
    return MixtureSameFamily(Categorical(weights), peaks)


@pytest.mark.parametrize("variance", [0.01, 0.3, 4.0])
def test_the_score_is_the_slope_of_the_log_density(variance):
    x = 2 * drawn(0, 20, 2)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(mixture(MEANS, WEIGHTS, variance).log_prob(x).sum(), x)
    torch.testing.assert_close(ops.mixture_score(x.detach(), MEANS, WEIGHTS, variance), slope)


def test_the_score_is_finite_where_the_density_is_zero_as_a_number():
    assert ops.mixture_score(torch.full((1, 2), 1e3), MEANS.float(), WEIGHTS.float(), 1e-4).isfinite().all()


@pytest.mark.parametrize("a", [0.05, 0.5, 0.95])
def test_the_perfect_answer_is_the_posterior_mean(a):
    """The posterior of x_0 by Bayes' rule on a fine grid, in one dimension."""
    means, weights, variance = MEANS[:, :1], WEIGHTS, 0.04
    x0 = torch.linspace(-4, 4, 40_001, dtype=torch.float64)[:, None]
    x = torch.tensor([[-1.2], [0.1], [0.9]], dtype=torch.float64)
    prior = mixture(means, weights, variance).log_prob(x0)
    seen = Normal(a**0.5 * x0[:, 0], math.sqrt(1 - a)).log_prob(x)
    posterior = (prior + seen).softmax(1)
    torch.testing.assert_close(ops.mixture_clean(x, means, weights, variance, a), posterior @ x0)


def test_draws_have_the_mixtures_mean_and_spread():
    points = ops.mixture_draw(MEANS, WEIGHTS, 0.25, 200_000, torch.Generator().manual_seed(0))
    wanted = mixture(MEANS, WEIGHTS, 0.25)
    torch.testing.assert_close(points.mean(0), wanted.mean, rtol=0, atol=0.02)  # 5 standard errors
    torch.testing.assert_close(points.var(0), wanted.variance, rtol=0.02, atol=0)
