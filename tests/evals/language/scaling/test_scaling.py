"""Scaling laws: constants come back from made-up runs, and the published answers from published ones."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize_scalar

from gradschool.errors import UserError
from gradschool.evals.language.scaling.isoflop import (
    Runs,
    best_runs,
    optimal_size,
    optimal_tokens,
    parabola_minima,
    power_law,
    read_runs,
)
from gradschool.evals.language.scaling.law import STARTS, Law, bootstrapped, fit, huber_of_logs, interval

REPLICATED = Law(1.8172, 477.9, 2143.0, 0.3473, 0.3672)  # near Besiroglu et al. 2024, table 1
FEW = STARTS[::5]
PLACES = [Path(place) for place in os.environ.get("GRADSCHOOL_DATA", "").split(os.pathsep) if place]
PLACES += [Path(__file__).parents[5] / "shared" / "data"]
PUBLISHED = next((f for p in PLACES if (f := p / "scaling" / "isoflops_curves.json").is_file()), None)


def made_up(law: Law, noise: float = 0.0, seed: int = 0, sizes: int = 12, budgets: int = 10) -> Runs:
    rng = np.random.default_rng(seed)
    compute = np.repeat(np.geomspace(1e18, 1e22, budgets), sizes)
    size = np.array([law.size.at(c) for c in compute]) * np.tile(np.geomspace(0.1, 10, sizes), budgets)
    tokens = compute / (6 * size)
    return Runs(size, compute, law.loss(size, tokens) * np.exp(noise * rng.normal(size=len(size))))


def test_constants_come_back_from_runs_without_noise():
    found = fit(made_up(REPLICATED), FEW)
    np.testing.assert_allclose(found.law.theta, REPLICATED.theta, rtol=1e-6)
    assert found.error < 1e-15 and found.converged >= 2


def test_a_loss_of_too_small_a_scale_stops_early():
    """What Besiroglu et al. found behind the constants of Hoffmann et al.: the smaller, the earlier."""
    runs = made_up(REPLICATED, noise=2e-3)
    right, mean, tiny = (fit(runs, FEW, scale) for scale in (1e6, 1 / len(runs.loss), 1e-5))
    assert right.error < mean.error < tiny.error / 10
    assert abs(right.law.size.exponent - REPLICATED.size.exponent) < 2e-3
    assert abs(tiny.law.size.exponent - REPLICATED.size.exponent) > 1e-2, "it has not left its start"


def test_the_gradient_is_that_of_differences():
    runs, rng = made_up(REPLICATED, noise=1e-3), np.random.default_rng(1)
    for _ in range(3):
        theta = REPLICATED.theta + 0.01 * rng.normal(size=5)
        wanted = approx_fprime(theta, lambda t: huber_of_logs(t, runs)[0], 1e-7)
        np.testing.assert_allclose(huber_of_logs(theta, runs)[1], wanted, rtol=1e-3, atol=1e-6)


def test_the_best_size_is_where_the_loss_is_least():
    for compute in (1e19, 1e23):
        loss = lambda log_n, c=compute: REPLICATED.loss(np.exp(log_n), c / (6 * np.exp(log_n)))  # noqa: E731
        found = minimize_scalar(loss, bounds=(10, 35), method="bounded", options={"xatol": 1e-9})
        assert REPLICATED.size.at(compute) == pytest.approx(np.exp(found.x), rel=1e-4)
        tokens = optimal_tokens(REPLICATED.size).at(compute)
        assert tokens * REPLICATED.size.at(compute) * 6 == pytest.approx(compute)


def test_bootstrap_intervals_hold_the_truth_and_shrink_with_the_noise():
    widths = []
    for noise in (4e-3, 1e-3):
        runs = made_up(REPLICATED, noise, seed=3, sizes=8, budgets=8)
        start = (tuple(fit(runs, FEW).law.theta),)
        found = bootstrapped(runs, lambda part, s=start: np.array([fit(part, s).law.size.exponent]), 12, 0)
        low, high = interval(found, 0.95)[:, 0]
        assert low < REPLICATED.size.exponent < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_a_parabola_is_exact_where_the_loss_is_one():
    """And the best run is one of the sizes that were tried."""
    budgets, sizes = np.repeat([1e18, 1e20], 7), np.tile(np.geomspace(1e7, 1e9, 7), 2)
    best = 2.0 * budgets**0.45
    runs = Runs(sizes, budgets, 3 + 0.1 * np.log(sizes / best) ** 2)
    np.testing.assert_allclose(parabola_minima(runs)[1], 2.0 * np.unique(budgets) ** 0.45)
    assert optimal_size(runs, parabola_minima).exponent == pytest.approx(0.45)
    assert set(best_runs(runs)[1]) <= set(sizes)
    line = power_law(np.array([1.0, 10, 100]), np.array([3.0, 30, 300]))
    assert (line.exponent, line.at(7)) == pytest.approx((1, 21))


@pytest.mark.pack
@pytest.mark.skipif(PUBLISHED is None, reason="the data pack is not here")
def test_72_published_runs_give_both_published_answers():
    """Four digits; the two methods differ by 45 % at 1e24: an extrapolation is no measurement."""
    runs = read_runs(PUBLISHED)
    assert len(runs.loss) == 72 and len(np.unique(runs.compute)) == 9
    size = optimal_size(runs, best_runs)
    tokens = optimal_tokens(size)
    found = [size.exponent, size.at(1e23), size.at(1e24), tokens.exponent, tokens.at(1e23), tokens.at(1e24)]
    assert found == pytest.approx([0.4687, 7.005e10, 2.061e11, 0.5313, 2.379e11, 8.086e11], rel=2e-4)
    size = optimal_size(runs, parabola_minima)
    assert [size.exponent, size.at(1e23), size.at(1e24)] == pytest.approx(
        [0.5146, 9.114e10, 2.981e11], rel=2e-4
    )
    # The runs are no measurements: their losses are a law of round constants, to the last digit.
    law = fit(runs, FEW)
    assert law.error < 1e-12
    assert law.law.theta == pytest.approx(
        [np.log(1606.4), np.log(3210.7), np.log(2.69), 0.34, 0.36], rel=1e-5
    )
    # How much hangs on single runs.
    exponents = bootstrapped(
        runs, lambda part: np.array([optimal_size(part, parabola_minima).exponent]), 200, 0
    )
    low, high = interval(exponents, 0.95)[:, 0]
    assert low < 0.5146 < high and high - low < 0.2


def test_what_cannot_be_fitted_is_refused(tmp_path):
    runs = made_up(REPLICATED)
    with pytest.raises(UserError, match="4 runs came"):
        fit(runs.take(np.arange(4)))
    with pytest.raises(UserError, match="three sizes"):
        parabola_minima(runs.take(np.arange(2)))
    with pytest.raises(UserError, match="no minimum"):
        parabola_minima(Runs(runs.parameters, runs.compute, -runs.loss))
    file = tmp_path / "runs.json"
    file.write_text(json.dumps([{"parameters": 1}]))
    with pytest.raises(UserError, match=r"runs\.json cannot be read"):
        read_runs(file)
