"""Scores and Langevin walks against Gaussians, whose score is known."""

import pytest
import torch

from gradschool.ops.score import falling_sigmas, langevin_step, score_loss
from gradschool.tasks.score import denoising_loss, rings, walk


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gaussian_score(spread):
    """Of N(0, spread^2) data with noise of sigma."""
    return lambda x, sigma: -x / (spread**2 + sigma**2)


def test_the_true_score_has_the_least_loss():
    """Of N(0, 1) data at sigma the least loss is, a dimension, (1 - sigma^2 / (1 + sigma^2)) / 2."""
    x, sigma = torch.randn(100_000, 2, generator=generator()), 0.7
    noise = torch.randn(x.shape, generator=generator(1))
    level = torch.full((len(x), 1), sigma)
    right = gaussian_score(1.0)(x + sigma * noise, level)
    wanted = 2 * 0.5 * (1 - sigma**2 / (1 + sigma**2))
    found = score_loss(right, noise, level).mean().item()
    assert found == pytest.approx(wanted, rel=0.02)  # 100,000 draws: standard error 0.3 %
    for change in (0.9, 1.1):
        assert score_loss(change * right, noise, level).mean().item() > found


def test_a_walk_has_its_known_spread():
    """x' = (1 - e) x + sqrt(2 e) z about N(0, 1) settles at variance 1 / (1 - e / 2)."""
    x, random, step = torch.zeros(50_000), generator(), 0.2
    for _ in range(60):
        x = langevin_step(x, -x, step, torch.randn(len(x), generator=random))
    assert x.var().item() == pytest.approx(1 / (1 - step / 2), rel=0.03)
    assert x.mean().abs() < 0.02


def test_sigmas_fall_by_one_factor():
    sigmas = falling_sigmas(2.0, 0.02, 5)
    torch.testing.assert_close(sigmas[1:] / sigmas[:-1], torch.full((4,), 0.01**0.25))
    assert sigmas[0] == 2


def test_annealed_walks_find_the_data():
    sigmas = falling_sigmas(3.0, 0.05, 12).tolist()
    *_, points = walk(gaussian_score(0.5), 20_000, sigmas, 40, generator())
    # The last levels barely move points; they are left from sigma about 0.5, so some excess is expected.
    assert points.std().item() == pytest.approx(0.5, rel=0.1)


def test_the_loss_draws_noise_from_its_generator():
    x, sigmas = rings(64, generator()), falling_sigmas(1.0, 0.1, 4)
    first, again = (denoising_loss(gaussian_score(1.0), x, sigmas, generator(3)) for _ in range(2))
    assert first == again


def test_rings_are_rings():
    radius = rings(30_000, generator()).norm(dim=1)
    inner = radius < 1.5
    assert inner.float().mean().item() == pytest.approx(1 / 3, abs=0.01)
    assert radius[inner].mean().item() == pytest.approx(1, abs=0.005)
    assert radius[~inner].std().item() == pytest.approx(0.05, rel=0.05)
