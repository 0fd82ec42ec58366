"""Bias, variance, shortest weights, early stopping and first weights against definitions and NumPy's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.scratch.backpropagation.descent import descend
from gradschool.scratch.backpropagation.initial import kaiming, sizes, xavier
from gradschool.scratch.statistics.generalisation import (
    bias_variance,
    early_stopping,
    least_norm,
    polynomial,
    random_features,
)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_least_norm_is_the_pseudo_inverse(n, p, seed):
    rng = np.random.default_rng(seed)
    a, y = rng.normal(size=(n, p)), rng.normal(size=n)
    np.testing.assert_allclose(least_norm(a, y), np.linalg.pinv(a) @ y, rtol=1e-6, atol=1e-8)


def test_least_norm_leaves_directions_that_do_nothing():
    rng = np.random.default_rng(0)
    a = np.repeat(rng.normal(size=(6, 2)), 2, axis=1)
    w = least_norm(a, rng.normal(size=6))
    np.testing.assert_allclose(w[::2], w[1::2], rtol=1e-9)


def test_gradient_descent_from_zero_ends_at_the_least_norm():
    rng = np.random.default_rng(0)
    a, y = rng.normal(size=(4, 12)), rng.normal(size=4)
    w = descend(lambda w: a.T @ (a @ w - y), np.zeros(12), 0.03, 5000)[-1]
    np.testing.assert_allclose(w, least_norm(a, y), rtol=1e-6)


def test_bias_and_variance_sum_to_the_error():
    rng = np.random.default_rng(0)
    fits, truth = rng.normal(size=(7, 5)) + 1, rng.normal(size=5)
    bias, variance = bias_variance(fits, truth)
    assert bias + variance == pytest.approx(((fits - truth) ** 2).mean())
    assert bias_variance(np.array([[1.0], [3.0]]), np.array([0.0])) == (4.0, 1.0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=15), st.integers(1, 5))
def test_early_stopping_by_definition(losses, patience):
    stop, kept = early_stopping([float(v) for v in losses], patience)
    seen = losses[: stop + 1]
    assert kept == seen.index(min(seen))
    assert stop - kept == patience or (stop == len(losses) - 1 and stop - kept < patience)
    # It did not stop later than it might have.
    for e in range(stop):
        assert e - losses[: e + 1].index(min(losses[: e + 1])) < patience


def test_polynomials_span_powers():
    x = np.linspace(-1, 1, 9)
    powers, columns = np.vander(x, 4, increasing=True), polynomial(x, 3)
    np.testing.assert_allclose(columns @ (np.linalg.pinv(columns) @ powers), powers, atol=1e-12)
    assert np.abs(columns).max() <= 1 + 1e-12


def test_random_features_are_rectified_and_of_steady_size():
    x = np.random.default_rng(0).normal(size=(200, 5))
    small, large = (random_features(x, count, np.random.default_rng(1)) for count in (500, 2000))
    assert small.shape == (200, 500)
    assert small.min() == 0
    # E relu(z)^2 = (5 + 1) / 2 for z of variance |x|^2 + 1, on average 6; standard error of some per cent.
    assert (small**2).sum(1).mean() == pytest.approx(3, rel=0.1)
    assert (large**2).sum(1).mean() == pytest.approx(3, rel=0.1)


def test_first_weights_have_the_variance_of_their_papers():
    rng = np.random.default_rng(0)
    # 120,000 draws: relative standard error of the variance is 0.4 %.
    assert kaiming(300, 400, rng).var() == pytest.approx(2 / 300, rel=0.02)
    assert xavier(300, 400, rng).var() == pytest.approx(2 / 700, rel=0.02)
    assert kaiming(300, 400, rng).shape == xavier(300, 400, rng).shape == (300, 400)


def test_kaiming_keeps_the_size_through_rectifiers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 400))
    found = sizes([kaiming(400, 400, rng) for _ in range(12)], x, lambda z: np.maximum(z, 0))
    # Each layer's factor deviates by about sqrt(5 / 400), twelve of them by 0.4 in the logarithm.
    assert len(found) == 13
    assert found[0] == pytest.approx(1, rel=0.05)
    assert 0.25 < found[-1] < 4
