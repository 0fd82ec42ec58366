"""The classifier against scikit-learn, the weights against true ratios of densities."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression

from gradschool.scratch.statistics.shift import effective_size, fit_logistic, fit_weighted, importance_weights


@pytest.mark.parametrize(("n", "d", "decay"), [(30, 1, 1.0), (50, 3, 0.1), (20, 2, 10.0)])
def test_logistic_regression_is_sklearns(n, d, decay):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, d))
    labels = (x[:, 0] + rng.normal(size=n) > 0).astype(float)
    theirs = LogisticRegression(C=1 / decay, tol=1e-10, max_iter=5000).fit(x, labels)
    want = [*theirs.intercept_, *theirs.coef_[0]]
    np.testing.assert_allclose(fit_logistic(x, labels, decay), want, atol=1e-4)  # lbfgs stops there


@pytest.mark.parametrize("decay", [1.0, 1e-3, 1e-6])
def test_slope_vanishes_even_where_a_line_separates(decay):
    x = np.concatenate([np.linspace(-3, -1, 20), np.linspace(1, 3, 20)])[:, None]
    labels = np.repeat([0.0, 1.0], 20)
    w = fit_logistic(x, labels, decay)
    p = 1 / (1 + np.exp(-(w[0] + x @ w[1:])))
    assert abs((p - labels).sum()) < 1e-6
    assert abs(((p - labels) * x[:, 0]).sum() + decay * w[1]) < 1e-6


def test_weights_come_near_the_ratio_of_densities():
    rng = np.random.default_rng(0)
    source, target = rng.normal(0, 1, 20_000), rng.normal(0.5, 1, 5_000)
    weights = importance_weights(source[:, None], target[:, None])
    ratio = norm(0.5).pdf(source) / norm(0).pdf(source)
    near = np.abs(source) < 2
    np.testing.assert_allclose(weights[near], ratio[near], rtol=0.15)  # slopes of two samples
    assert weights.mean() == pytest.approx(1, abs=0.05)


def test_clip_is_the_largest_weight():
    rng = np.random.default_rng(1)
    weights = importance_weights(rng.normal(0, 1, (500, 1)), rng.normal(3, 1, (500, 1)), clip=5.0)
    assert weights.max() == pytest.approx(5)


def test_effective_size():
    assert effective_size(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 0, 0])) == 1
    assert effective_size(np.array([2.0, 1, 1])) == pytest.approx(16 / 6)


def test_weighted_line_is_sklearns_and_counts_points():
    rng = np.random.default_rng(2)
    x, y, weights = rng.normal(size=(12, 3)), rng.normal(size=12), rng.integers(0, 4, 12)
    theirs = LinearRegression(fit_intercept=False).fit(x, y, weights).coef_
    np.testing.assert_allclose(fit_weighted(x, y, weights), theirs, rtol=1e-9)
    again = np.repeat(np.arange(12), weights)
    np.testing.assert_allclose(
        fit_weighted(x, y, weights), fit_weighted(x[again], y[again], np.ones(len(again))), rtol=1e-9
    )
