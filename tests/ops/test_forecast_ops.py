"""Forecasts and their errors against NumPy, ridge regression against scikit-learn and least squares."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from gradschool.ops.forecast import ridge, scaled_error, seasonal_error, seasonal_naive, symmetric_error
from gradschool.ops.linear import linear


def numbers(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(1, 30), st.integers(0, 20), st.integers(1, 50), st.integers(0, 99))
def test_the_naive_forecast_is_the_value_a_season_before(m, more, h, seed):
    y = numbers(seed, 2, m + more)
    # The definition, step by step: each value is that of a season before, which may be forecast itself.
    wanted = y.numpy()
    for _ in range(h):
        wanted = np.concatenate([wanted, wanted[:, -m][:, None]], 1)
    np.testing.assert_array_equal(seasonal_naive(y, m, h), wanted[:, y.shape[1] :])


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 99))
def test_the_seasonal_error_is_that_of_the_naive_forecast_a_season_ahead(m, more, seed):
    y = numbers(seed, m + more).numpy()
    wanted = np.mean([abs(y[i] - y[i - m]) for i in range(m, len(y))])
    np.testing.assert_allclose(seasonal_error(torch.from_numpy(y), m), wanted, rtol=1e-12)


def test_errors_of_hyndmans_and_makridakis_formulas():
    y, f = numbers(0, 5, 12), numbers(1, 5, 12)
    np.testing.assert_allclose(
        scaled_error(f, y, torch.tensor(2.0)), np.abs((y - f).numpy()).mean() / 2, rtol=1e-12
    )
    a, b = y.numpy(), f.numpy()
    wanted = 200 / a.size * (np.abs(a - b) / (np.abs(a) + np.abs(b))).sum()
    np.testing.assert_allclose(symmetric_error(f, y), wanted, rtol=1e-12)
    nothing = torch.zeros(3)
    assert scaled_error(nothing, nothing, torch.tensor(0.0)) == 0
    assert symmetric_error(nothing, nothing) == 0 and symmetric_error(nothing, nothing + 1) == 200


@pytest.mark.parametrize(("m", "length"), [(0, 5), (6, 5)])
def test_a_past_shorter_than_a_season_is_refused(m, length):
    with pytest.raises(ValueError, match=f"the past has {length} steps, a season of {m}"):
        seasonal_naive(torch.zeros(length), m, 3)
    with pytest.raises(ValueError, match=f"the series has {length} steps, a season of {m}"):
        seasonal_error(torch.zeros(length), m)


@given(st.integers(2, 30), st.integers(1, 8), st.integers(1, 4), st.floats(1e-3, 1e3), st.integers(0, 99))
def test_ridge_is_scikit_learns(n, i, o, penalty, seed):
    x, y = numbers(seed, n, i), numbers(seed + 100, n, o)
    weight, bias = ridge(x, y, penalty)
    peer = Ridge(penalty, solver="svd").fit(x.numpy(), y.numpy())
    # Another way to solve the same equations in float64.
    np.testing.assert_allclose(weight, peer.coef_.reshape(o, i), atol=1e-8)
    np.testing.assert_allclose(linear(x, weight, bias), peer.predict(x.numpy()).reshape(n, o), atol=1e-8)


def test_ridge_goes_from_least_squares_to_the_mean():
    x, y = numbers(0, 40, 5), numbers(1, 40, 2)
    weight, bias = ridge(x, y, 1e-9)
    wanted = np.linalg.lstsq(np.concatenate([x.numpy(), np.ones((40, 1))], 1), y.numpy(), rcond=None)[0]
    np.testing.assert_allclose(torch.cat([weight.T, bias[None]]), wanted, atol=1e-9)
    weight, bias = ridge(x, y, 1e12)
    assert weight.abs().max() < 1e-9
    np.testing.assert_allclose(bias, y.mean(0), atol=1e-8)


def test_ridge_has_no_gradient_left():
    x, y = numbers(0, 9, 4), numbers(1, 9, 3)
    weight, bias = (each.requires_grad_() for each in ridge(x, y, 0.7))
    loss = (linear(x, weight, bias) - y).square().sum() + 0.7 * weight.square().sum()
    for gradient in torch.autograd.grad(loss, (weight, bias)):
        assert gradient.abs().max() < 1e-12  # rounding in float64
    with pytest.raises(ValueError, match="the penalty is 0"):
        ridge(x, y, 0.0)
