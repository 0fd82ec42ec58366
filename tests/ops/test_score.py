"""Scores against autograd and torch's mixtures, Tweedie against integrals, Langevin against closed forms."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from gradschool.ops import score as ops

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


def test_langevin_keeps_a_gaussian():
    """The variance where steps of size h on N(0, s^2) settle is s^2 / (1 - h / 4 s^2)."""
    generator, s2, size = torch.Generator().manual_seed(0), 0.25, 0.1
    x = torch.zeros(40_000, dtype=torch.float64)
    for _ in range(60):
        noise = torch.randn(x.shape, generator=generator, dtype=torch.float64)
        x = ops.langevin_step(x, -x / s2, size, noise)
    wanted = s2 / (1 - size / (4 * s2))
    assert x.var().item() == pytest.approx(wanted, rel=5 * math.sqrt(2 / len(x)))  # 5 standard errors


def test_noise_that_fades_finds_the_weights_of_far_peaks():
    means, weights = torch.tensor([[-4.0, 0.0], [4.0, 0.0]]), torch.tensor([0.2, 0.8])
    generator = torch.Generator().manual_seed(0)
    start = 10 * torch.randn(2000, 2, generator=generator)

    def score(x, sigma):
        return ops.mixture_score(x, means, weights, 0.25 + sigma**2)

    *_, x = ops.annealed_langevin(
        score,
        start,
        ops.even_falling(10.0, 0.1, 20),
        20,
        0.004,
        lambda: torch.randn(2000, 2, generator=generator),
    )
    assert (x[:, 0] > 0).float().mean().item() == pytest.approx(0.8, abs=0.05)  # 5 standard errors


def test_even_falling_has_both_ends_and_one_ratio():
    sigmas = torch.tensor(ops.even_falling(10.0, 0.1, 9), dtype=torch.float64)
    assert sigmas[0].item() == pytest.approx(10) and sigmas[-1].item() == pytest.approx(0.1)
    torch.testing.assert_close(sigmas[1:] / sigmas[:-1], torch.full((8,), 10**-0.25, dtype=torch.float64))
