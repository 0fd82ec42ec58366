"""The sliced distance against SciPy's transport on a line, and of clouds whose distance is known."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from gradschool.evals.generation.sliced import sliced_distance


def cloud(seed, n=50):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_one_direction_is_the_cheapest_pairing_on_the_line():
    a, b = cloud(0), cloud(1) + 0.5
    costs = np.subtract.outer(a[:, 0].numpy(), b[:, 0].numpy()) ** 2
    rows, columns = linear_sum_assignment(costs)
    assert sliced_distance(a, b, 1) == pytest.approx(math.sqrt(costs[rows, columns].mean()))


def test_a_moved_cloud_is_as_far_as_its_mean_shadow():
    """The mean of cos^2 over evenly spread directions is 1/2."""
    a = cloud(2)
    assert sliced_distance(a, a + torch.tensor([0.6, 0.8])) == pytest.approx(math.sqrt(0.5))
    # The same points in another order: their shadows may differ in the last bit, of 1e-16.
    assert sliced_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-15)
