"""Counts against brute force, the pocket against every line that could be drawn, one output for all."""

from itertools import product
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.scratch.neurons.limits import best_output, dichotomies, pocket
from gradschool.scratch.neurons.logic import truth_table
from gradschool.scratch.neurons.perceptron import predict, update
from gradschool.scratch.neurons.separability import separability


@pytest.mark.parametrize(("n", "d"), [(1, 2), (3, 1), (5, 1), (4, 2), (6, 2), (5, 3)])
def test_dichotomies_are_those_found_one_by_one(n, d):
    # On the moment curve (t, t^2, t^3) no d + 1 points share a plane.
    points = [tuple(float(t**k) for k in range(1, d + 1)) for t in range(-2, n - 2)]
    found = sum(separability(points, labels).separable for labels in product((0, 1), repeat=n))
    assert dichotomies(n, d) == found


def test_dichotomies_recursion_and_capacity():
    for n, d in product(range(2, 12), range(1, 6)):
        assert dichotomies(n, d) == dichotomies(n - 1, d) + dichotomies(n - 1, d - 1)
    assert all(dichotomies(2 * (d + 1), d) == 2 ** (2 * d + 1) for d in range(1, 20))


def test_pocket_gets_three_of_four_of_xor():
    order = np.random.default_rng(0).integers(0, 4, 100).tolist()
    weights, mistakes = pocket(truth_table(2), np.array([0, 1, 1, 0]), np.zeros(3), order)
    assert mistakes == 1
    assert (predict(weights, truth_table(2)) != [0, 1, 1, 0]).sum() == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_pocket_keeps_the_best_on_the_way(seed):
    rng = np.random.default_rng(seed)
    points, targets = rng.normal(size=(12, 2)), rng.integers(0, 2, 12)
    w, seen = np.zeros(3), [int((predict(np.zeros(3), points) != targets).sum())]
    order = rng.integers(0, 12, 60).tolist()
    for i in order:
        w = update(w, points[i], int(targets[i]))
        seen.append(int((predict(w, points) != targets).sum()))
    weights, mistakes = pocket(points, targets, np.zeros(3), order)
    assert mistakes == min(seen) == (predict(weights, points) != targets).sum()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 9), st.integers(1, 9))
def test_best_output_is_the_share_for_square_and_cross_entropy(ones, zeros):
    targets = [1.0] * ones + [0.0] * zeros
    share = ones / (ones + zeros)
    for slope in (lambda y, t: y - t, lambda y, t: (y - t) / (y * (1 - y))):
        assert best_output(targets, slope) == pytest.approx(share, abs=1e-11)  # 2^-40 and rounding


def test_best_output_of_the_absolute_error_is_the_median():
    assert best_output([1.0] * 8 + [0.0] * 2, lambda y, t: 1.0 if y > t else -1.0) == 1
    losses = [-8 * log(y) - 2 * log(1 - y) for y in (0.79, 0.8, 0.81)]
    assert min(losses) == losses[1]
