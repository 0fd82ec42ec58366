"""Filters by hand: SciPy's as oracles, and the tutorial's numbers computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gradschool.scratch.filters import convolve, prewitt, separate

TAPS = st.lists(st.integers(-9, 9), min_size=1, max_size=7)
FLOAT64 = {"rtol": 1e-12, "atol": 1e-12}  # sums of at most 9 products of numbers below 1000


@settings(deadline=None, max_examples=30)
@given(TAPS, TAPS)
def test_convolution_is_numpys_and_commutes(signal, kernel):
    np.testing.assert_allclose(convolve(signal, kernel), np.convolve(signal, kernel), **FLOAT64)
    np.testing.assert_allclose(convolve(signal, kernel), convolve(kernel, signal), **FLOAT64)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 99))
def test_prewitt_is_scipys(h, w, seed):
    image = np.random.default_rng(seed).normal(size=(h, w))
    for border, theirs in (("constant", "constant"), ("reflect", "mirror")):
        want = np.hypot(*(ndimage.prewitt(image, axis, mode=theirs) for axis in (0, 1)))
        np.testing.assert_allclose(prewitt(image, border), want, **FLOAT64)


def test_prewitt_of_the_tutorial():
    image = np.tile([3, 4, 8, 10, 22, 45, 50, 65], (3, 1))
    assert prewitt(image)[1].tolist() == [12, 15, 18, 42, 105, 84, 60, 150]
    assert prewitt(image, "reflect")[1].tolist() == [0, 15, 18, 42, 105, 84, 60, 0]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_a_product_is_taken_apart_and_a_sum_is_not(h, w, seed):
    rng = np.random.default_rng(seed)
    kernel = np.outer(rng.normal(size=h), rng.normal(size=w))
    pair = separate(kernel)
    assert pair is not None
    np.testing.assert_allclose(np.outer(*pair), kernel, **FLOAT64)
    other = rng.normal(size=(h, w))
    assert (separate(other) is None) == (np.linalg.matrix_rank(other) > 1)


def test_the_tutorials_filter_is_no_product():
    assert separate(np.array([[2, 3], [1, 1]])) is None
    with pytest.raises(ValueError, match="zero everywhere"):
        separate(np.zeros((2, 2)))
