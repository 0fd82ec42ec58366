"""Beliefs against exact fractions, scipy's densities, scikit-learn's ridge, and maxima found by search."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import beta, multivariate_normal, norm
from sklearn.linear_model import Ridge

from gradschool.scratch.statistics.probability import (
    coin,
    gaussian_belief,
    gaussian_mle,
    log_density,
    map_weights,
    posterior,
)


def test_two_red_balls_leave_one_in_four_for_the_first_bag():
    # 2 red and 3 white against 3 red and 2 green, two drawn without replacement.
    both = [Fraction(2, 5) * Fraction(1, 4), Fraction(3, 5) * Fraction(2, 4)]
    table = np.array([[b, 1 - b] for b in both], float)
    np.testing.assert_allclose(posterior(np.array([0.5, 0.5]), table, [0]), [0.25, 0.75], rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 8), st.integers(0, 10_000))
def test_posterior_equals_exact_fractions(hypotheses, outcomes, n, seed):
    rng = np.random.default_rng(seed)
    parts = rng.integers(1, 9, (hypotheses, outcomes)).tolist()
    table = [[Fraction(v, sum(row)) for v in row] for row in parts]
    prior = [Fraction(1, hypotheses)] * hypotheses
    seen = rng.integers(0, outcomes, n).tolist()
    joint = list(prior)
    for outcome in seen:
        joint = [p * row[outcome] for p, row in zip(joint, table, strict=True)]
    want = [float(p / sum(joint)) for p in joint]
    got = posterior(np.array(prior, float), np.array(table, float), seen)
    np.testing.assert_allclose(got, want, rtol=1e-11)


def test_posterior_of_thousands_and_of_the_impossible():
    table = np.array([[0.5, 0.5], [0.6, 0.4]])
    p = posterior(np.array([0.5, 0.5]), table, [0] * 3000 + [1] * 2000)
    assert p[1] == pytest.approx(1, abs=1e-12)
    with np.errstate(invalid="ignore"):
        assert np.isnan(posterior(np.array([1.0, 0.0]), np.array([[1.0, 0], [0, 1]]), [1])).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 20), st.integers(1, 20), st.floats(1.1, 5), st.floats(1.1, 5))
def test_coin_finds_the_tops_and_the_mean(heads, tails, a, b):
    mle, most, mean = coin(heads, tails, a, b)
    after = beta(a + heads, b + tails)
    top = minimize_scalar(lambda p: -after.logpdf(p), bounds=(1e-9, 1 - 1e-9), method="bounded").x
    assert mle == heads / (heads + tails)
    assert most == pytest.approx(top, abs=1e-4)  # a flat top is found to the root of the precision
    assert mean == pytest.approx(after.mean(), rel=1e-12)


def test_flat_prior_leaves_the_share():
    mle, most, _ = coin(3, 1, 1, 1)
    assert mle == most == 0.75


def test_gaussian_mle_is_numpys_biased_covariance():
    x = np.random.default_rng(0).normal(size=(7, 3))
    mean, covariance = gaussian_mle(x)
    np.testing.assert_allclose(mean, [x[:, i].sum() / 7 for i in range(3)], rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(x.T, bias=True), rtol=1e-10)
    best = multivariate_normal(mean, covariance).logpdf(x).sum()
    for factor in (0.95, 7 / 6):
        assert multivariate_normal(mean, covariance * factor).logpdf(x).sum() < best


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 6), st.floats(0.2, 3), st.floats(0.2, 3), st.integers(0, 1000))
def test_gaussian_belief_by_integration(n, sigma, tau, seed):
    x = np.random.default_rng(seed).normal(size=n)
    grid = np.linspace(-15, 15, 6001)
    log_p = norm(0.5, tau).logpdf(grid) + norm(grid[:, None], sigma).logpdf(x).sum(axis=1)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    want = (grid * p).sum(), ((grid - (grid * p).sum()) ** 2 * p).sum() ** 0.5
    assert gaussian_belief(x, sigma, 0.5, tau) == pytest.approx(want, abs=1e-6)  # sums over a fine grid


def test_map_weights_is_ridge_and_without_a_prior_least_squares():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    ridge = Ridge(alpha=(0.5 / 2) ** 2, fit_intercept=False, tol=1e-12).fit(x, y).coef_
    np.testing.assert_allclose(map_weights(x, y, 0.5, 2), ridge, rtol=1e-8)
    least = np.linalg.lstsq(x, y, rcond=None)[0]
    for sigma in (0.1, 1, 10):
        np.testing.assert_allclose(map_weights(x, y, sigma, inf), least, rtol=1e-9)


def test_map_weights_is_the_top_of_the_posterior():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(9, 2)), rng.normal(size=9)

    def minus_log_posterior(w):
        return -(norm(x @ w, 0.7).logpdf(y).sum() + norm(0, 0.4).logpdf(w).sum())

    top = minimize(minus_log_posterior, np.zeros(2), tol=1e-12).x
    np.testing.assert_allclose(map_weights(x, y, 0.7, 0.4), top, atol=1e-5)  # numerical gradients


def test_log_density_is_scipys():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(3, 3))
    mean, covariance, x = rng.normal(size=3), root @ root.T + np.eye(3), rng.normal(size=(5, 3))
    want = multivariate_normal(mean, covariance).logpdf(x)
    np.testing.assert_allclose(log_density(x, mean, covariance), want, rtol=1e-10)
