"""The bound's parts against torch.distributions, exact Gaussian evidence and closed forms."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gradschool.ops import variational as v


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_kl_and_density_are_torchs():
    mean, log_variance, x = noise(7, 3), noise(7, 3, seed=1), noise(7, 3, seed=2)
    q = Normal(mean, (0.5 * log_variance).exp())
    expected = kl_divergence(q, Normal(torch.zeros_like(mean), torch.ones_like(mean)))
    torch.testing.assert_close(v.kl_standard_normal(mean, log_variance), expected)
    torch.testing.assert_close(v.gaussian_nll(x, mean, log_variance), -q.log_prob(x))
    assert (v.kl_standard_normal(torch.zeros(1, 4), torch.zeros(1, 4)) == 0).all()


def test_kl_is_the_mean_of_what_samples_cost():
    mean, log_variance = torch.tensor([[0.7]]).double(), torch.tensor([[-0.5]]).double()
    z = v.reparametrise(mean.expand(200_000, 1), log_variance.expand(200_000, 1), noise(200_000, 1))
    zero = torch.zeros_like(z)
    cost = v.gaussian_nll(z, zero, zero) - v.gaussian_nll(z, mean.expand_as(z), log_variance.expand_as(z))
    # Monte Carlo: the error of the mean is std / sqrt(n); four of them.
    assert abs(cost.mean() - v.kl_standard_normal(mean, log_variance)) < 4 * cost.std() / 200_000**0.5


def test_reparametrised_samples_have_the_moments_and_gradients():
    mean, log_variance = torch.tensor([[2.0]]), torch.tensor([[math.log(9.0)]])
    eps = noise(1, 1).float()
    mean.requires_grad_()
    log_variance.requires_grad_()
    z = v.reparametrise(mean, log_variance, eps)
    z.sum().backward()
    assert z.item() == pytest.approx(2 + 3 * eps.item())
    assert mean.grad.item() == 1 and log_variance.grad.item() == pytest.approx(1.5 * eps.item())


def test_free_bits_stop_the_gradient_of_cheap_dimensions():
    prices = torch.tensor([[0.1, 2.0], [0.3, 4.0]], requires_grad=True)
    paid = v.free_bits(prices, 0.5)
    paid.backward()
    assert paid.item() == pytest.approx(0.5 + 3.0)
    assert prices.grad.tolist() == [[0.0, 0.5], [0.0, 0.5]]
    assert v.free_bits(prices, 0.0).item() == pytest.approx(prices.sum(1).mean().item())


@pytest.mark.parametrize(
    ("progress", "warmup", "weight"), [(0.0, 0.5, 0), (0.25, 0.5, 0.5), (0.9, 0.5, 1), (0.0, 0.0, 1)]
)
def test_warm_up_is_a_straight_line(progress, warmup, weight):
    assert v.warmed_up(progress, warmup) == weight


def linear_gaussian(k, b=4, seed=0):
    """x = z + noise of variance 1/4 with z from N(0, 1): everything is known. Returns (ln w, ln p(x))."""
    x = noise(b, seed=seed)
    mean, variance = 0.8 * x, torch.full((b,), 0.3, dtype=torch.float64)  # the posterior's variance is 0.2
    log_variance = variance.log()
    z = v.reparametrise(mean.expand(k, b)[..., None], log_variance.expand(k, b)[..., None], noise(k, b, 1))
    seen = Normal(z[..., 0], 0.5).log_prob(x)
    evidence = Normal(torch.zeros_like(x), 1.25**0.5).log_prob(x)
    return v.log_weights(seen, z, mean[:, None], log_variance[:, None]), evidence


def test_many_weights_give_the_evidence_and_more_are_better():
    log_w, evidence = linear_gaussian(100_000)
    # The weights' variance is small here: the error of their mean is below 1e-2 by far.
    torch.testing.assert_close(v.importance_bound(log_w), evidence, atol=1e-2, rtol=0)
    bounds = [
        torch.stack([v.importance_bound(part) for part in log_w[:10_000].split(k)]).mean() for k in (1, 5, 50)
    ]
    assert bounds[0] < bounds[1] < bounds[2] <= evidence.mean() + 1e-2


def test_weights_of_the_true_posterior_are_all_the_evidence():
    x = noise(5)
    mean, log_variance = (0.8 * x)[:, None], torch.full((5, 1), math.log(0.2), dtype=torch.float64)
    z = v.reparametrise(mean.expand(3, 5, 1), log_variance.expand(3, 5, 1), noise(3, 5, 1))
    log_w = v.log_weights(Normal(z[..., 0], 0.5).log_prob(x), z, mean, log_variance)
    torch.testing.assert_close(log_w, Normal(torch.zeros_like(x), 1.25**0.5).log_prob(x).expand(3, 5))


def test_the_bound_survives_tiny_weights():
    log_w = torch.tensor([[-2000.0], [-2001.0]])
    expected = -2000 + math.log((1 + math.exp(-1)) / 2)
    assert v.importance_bound(log_w).item() == pytest.approx(expected)


def test_collapsed_dimensions_are_not_active():
    means = torch.stack(
        [torch.linspace(-1, 1, 50), 1e-3 * torch.linspace(-1, 1, 50), torch.full((50,), 3.0)], 1
    )
    assert v.active_units(means).tolist() == [True, False, False]
