"""Losses of games of two networks against torch's own, their ends and optima against closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from torch.func import grad, vmap

from gradschool.ops import adversarial as ops

seeds = st.integers(0, 10_000)


def numbers(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def densities(seed, n=12):
    """Two distributions over n places, some of which have no probability under one of them."""
    p, q = numbers(seed, 2, n).abs()
    p[0] = q[1] = 0
    return p / p.sum(), q / q.sum()


@given(seeds)
def test_cross_entropy_is_torchs(seed):
    real, fake = 3 * numbers(seed, 2, 9)
    both = F.binary_cross_entropy_with_logits(real, torch.ones(9).double())
    both = both + F.binary_cross_entropy_with_logits(fake, torch.zeros(9).double())
    torch.testing.assert_close(ops.discriminator_loss(real, fake), both)
    as_real = F.binary_cross_entropy_with_logits(fake, torch.ones(9).double())
    torch.testing.assert_close(ops.non_saturating_loss(fake), as_real)
    torch.testing.assert_close(ops.saturating_loss(fake), torch.log(1 - torch.sigmoid(fake)).mean())


@given(seeds)
def test_other_games_are_torchs(seed):
    real, fake = 2 * numbers(seed, 2, 9)
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    squares = 0.5 * (F.mse_loss(real, ones) + F.mse_loss(fake, zeros))
    torch.testing.assert_close(ops.least_squares_discriminator_loss(real, fake), squares)
    torch.testing.assert_close(ops.least_squares_generator_loss(fake), 0.5 * F.mse_loss(fake, ones))
    # Against 0 the margin ranking loss is max(0, 1 - y x).
    hinge = F.margin_ranking_loss(real, zeros, ones, margin=1) + F.margin_ranking_loss(
        fake, zeros, -ones, margin=1
    )
    torch.testing.assert_close(ops.hinge_discriminator_loss(real, fake), hinge)
    torch.testing.assert_close(ops.critic_loss(real, fake), (fake - real).mean())
    torch.testing.assert_close(ops.raise_score(fake), -fake.mean())


def test_sure_scores_stay_finite_and_only_one_generator_loss_keeps_its_gradient():
    sure = torch.full((4,), -200.0, requires_grad=True)  # sigmoid is 0 in float32
    assert ops.discriminator_loss(sure, -sure).isfinite()
    (stuck,) = torch.autograd.grad(ops.saturating_loss(sure), sure)
    (learns,) = torch.autograd.grad(ops.non_saturating_loss(sure), sure)
    assert stuck.abs().max() == 0
    torch.testing.assert_close(learns, torch.full((4,), -0.25))


def test_generator_losses_of_the_first_game_point_the_same_way_at_its_end():
    fake = torch.zeros(5, requires_grad=True)
    saturating, other = (
        torch.autograd.grad(loss(fake), fake)[0] for loss in (ops.saturating_loss, ops.non_saturating_loss)
    )
    torch.testing.assert_close(saturating, other)


@given(seeds)
def test_value_of_the_best_discriminator_is_twice_js_less_ln_4(seed):
    p, q = densities(seed)
    best = ops.optimal_discriminator(p, q)
    value = ops.game_value(p, q, best)
    torch.testing.assert_close(value, 2 * ops.jensen_shannon(p, q) - math.log(4))
    # SciPy's is the root of the divergence.
    assert ops.jensen_shannon(p, q).item() == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-12)


@given(seeds)
def test_no_other_discriminator_is_better(seed):
    p, q = densities(seed)
    best = ops.optimal_discriminator(p, q)
    other = (best + 0.1 * numbers(seed + 1, len(p))).clamp(1e-6, 1 - 1e-6)
    assert ops.game_value(p, q, other) <= ops.game_value(p, q, best)


def test_equal_distributions_end_the_game_and_separate_ones_are_ln_2_apart():
    p = torch.tensor([0.5, 0.5, 0.0, 0.0])
    assert ops.game_value(p, p, torch.full((4,), 0.5)).item() == pytest.approx(-math.log(4))
    assert ops.jensen_shannon(p, p.flip(0)).item() == pytest.approx(math.log(2))


def test_a_trained_discriminator_finds_the_optimum():
    """Logits free at every place, lowered by gradient: what is left is minus the game's value."""
    p, q = densities(3)
    p, q = 0.9 * p + 0.1 / 12, 0.9 * q + 0.1 / 12  # no infinite logits
    real = torch.multinomial(p, 200_000, True, generator=torch.Generator().manual_seed(0))
    fake = torch.multinomial(q, 200_000, True, generator=torch.Generator().manual_seed(1))
    logits = torch.zeros(12, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100)

    def loss():
        optimizer.zero_grad()
        wrong = ops.discriminator_loss(logits[real], logits[fake])
        wrong.backward()
        return wrong

    optimizer.step(loss)
    # Shares of 200,000 draws err by about 1e-3.
    torch.testing.assert_close(
        torch.sigmoid(logits.detach()), ops.optimal_discriminator(p, q), atol=0.01, rtol=0
    )
    value = ops.game_value(p, q, ops.optimal_discriminator(p, q))
    assert loss().item() == pytest.approx(-value.item(), abs=0.01)


@given(seeds)
def test_critic_on_a_line_finds_the_wasserstein_distance(seed):
    """For two distributions that are shifted copies the best 1-Lipschitz critic is the identity."""
    x = numbers(seed, 500)
    assert -ops.critic_loss(x + 0.7, x).item() == pytest.approx(0.7)


def test_slopes_are_those_of_every_picture_alone():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(12, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
    )
    points = torch.randn(6, 3, 2, 2, requires_grad=True)
    found = ops.slopes(net(points).flatten(), points)
    each = vmap(grad(lambda x: net(x[None]).sum()))(points.detach()).flatten(1).norm(dim=1)
    torch.testing.assert_close(found, each)


def test_penalty_is_zero_at_slope_one_and_its_gradient_reaches_the_critic():
    direction = F.normalize(torch.randn(12, generator=torch.Generator().manual_seed(0)), dim=0)
    size = torch.tensor(1.0, requires_grad=True)
    points = torch.randn(6, 12, requires_grad=True)

    def penalty():
        return ops.gradient_penalty(ops.slopes(points @ (size * direction), points))

    assert penalty().item() == pytest.approx(0, abs=1e-12)
    with torch.no_grad():
        size.fill_(3.0)
    # (|size| - 1)^2 and its derivative.
    assert penalty().item() == pytest.approx(4, rel=1e-5)
    (gradient,) = torch.autograd.grad(penalty(), size)
    assert gradient.item() == pytest.approx(4, rel=1e-5)


def test_points_between_lie_on_the_line_of_their_own_pair():
    real, fake, share = numbers(0, 5, 2, 3, 3), numbers(1, 5, 2, 3, 3), torch.rand(5).double()
    points = ops.between(real, fake, share)
    for i in range(5):
        torch.testing.assert_close(points[i], torch.lerp(fake[i], real[i], share[i]))


@pytest.mark.long
@given(seeds, st.integers(2, 9), st.integers(2, 9))
def test_power_iteration_finds_the_largest_singular_value(seed, m, n):
    weight = numbers(seed, m, n)
    values = torch.linalg.svdvals(weight)
    sigma, u = ops.spectral_norm(weight, numbers(seed + 1, m), steps=500)
    # The error falls as (second / first)^(4 steps); where the two are nearly equal both answers are right.
    assert sigma.item() == pytest.approx(values[0].item(), rel=1e-2)
    assert sigma <= values[0] * (1 + 1e-12)
    assert u.norm().item() == pytest.approx(1)


def test_one_step_is_torchs_and_the_gradient_is_the_outer_product():
    torch.manual_seed(0)
    layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(5, 4))
    state = layer.parametrizations.weight[0]
    start = state._u.clone()
    weight = layer.parametrizations.weight.original
    layer.train()
    theirs = layer.weight
    sigma, u = ops.spectral_norm(weight, start)
    torch.testing.assert_close(weight / sigma, theirs)
    torch.testing.assert_close(u, state._u)
    (gradient,) = torch.autograd.grad(sigma, weight)
    torch.testing.assert_close(gradient, torch.outer(state._u, state._v))
