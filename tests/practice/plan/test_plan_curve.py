"""A power law through errors over sizes: exact ones are found, and the interval is that of a regression."""

import numpy as np
import pytest
import torch
from scipy.stats import linregress
from scipy.stats import t as student

from gradschool.errors import UserError
from gradschool.ops.practice.power_law import gain_of_more, power_law
from gradschool.practice.plan.curve import fitted

SIZES = [100.0, 200.0, 400.0, 800.0]


def test_an_exact_law_is_found():
    n = torch.tensor(SIZES, dtype=torch.float64)
    a, b = power_law(n, 3 * n**-0.4)
    assert (float(a), float(b)) == (pytest.approx(3), pytest.approx(0.4))


def test_twice_the_data_takes_a_fixed_share_of_the_error():
    assert gain_of_more(1.0) == 0.5 and gain_of_more(0.5, 4.0) == 0.5 and gain_of_more(0.0) == 0.0


def test_the_interval_is_that_of_a_line_between_logarithms():
    draw = np.random.default_rng(0)
    n = np.repeat(SIZES, 3)
    error = 2 * n**-0.3 * np.exp(draw.normal(0, 0.05, len(n)))
    found, peer = fitted(n.tolist(), error.tolist()), linregress(np.log(n), np.log(error))
    half = student.ppf(0.975, len(n) - 2) * peer.stderr
    assert found.b == pytest.approx(-peer.slope) and found.a == pytest.approx(np.exp(peer.intercept))
    assert (found.low, found.high) == (pytest.approx(-peer.slope - half), pytest.approx(-peer.slope + half))
    middle, low, high = found.gain()
    assert low < middle < high and middle == pytest.approx(1 - found.error(2e3) / found.error(1e3))


@pytest.mark.parametrize(
    ("n", "error"), [([1, 2], [1, 1]), ([5, 5, 5], [1, 1, 1]), ([1, 2, 3], [1, 0, 1]), ([1, 2, 3], [1, 1])]
)
def test_what_makes_no_line_is_refused(n, error):
    with pytest.raises(UserError):
        fitted(n, error)
