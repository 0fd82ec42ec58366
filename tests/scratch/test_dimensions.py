"""Volumes against sampling and school formulas, neighbours against scipy's tree."""

from math import pi

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from gradschool.scratch.statistics.dimensions import ball_share, contrast, distances, nearest, shell_share


def test_balls_of_one_two_three_dimensions():
    assert [ball_share(d) for d in (1, 2, 3)] == pytest.approx([1, pi / 4, pi / 6])
    assert ball_share(500) < 1e-300


def test_ball_share_is_that_of_random_points():
    x = np.random.default_rng(0).uniform(-1, 1, (100_000, 5))
    assert ((x**2).sum(axis=1) < 1).mean() == pytest.approx(ball_share(5), abs=0.005)  # 4 standard errors


def test_shell_share_is_that_of_random_points():
    x = np.random.default_rng(1).uniform(-1, 1, (100_000, 3))
    assert (np.abs(x).max(axis=1) > 0.9).mean() == pytest.approx(shell_share(3, 0.1), abs=0.006)


def test_distances_neighbours_and_contrast():
    rng = np.random.default_rng(2)
    x, queries = rng.normal(size=(40, 3)), rng.normal(size=(7, 3))
    far = cdist(queries, x)
    np.testing.assert_allclose(distances(x, queries), far, atol=1e-9)
    np.testing.assert_array_equal(nearest(x, queries), cKDTree(x).query(queries)[1])
    assert contrast(x, queries) == pytest.approx(np.median(far.max(axis=1) / far.min(axis=1) - 1))
    assert distances(x, x).diagonal() == pytest.approx(0, abs=1e-6)  # the root of rounding
