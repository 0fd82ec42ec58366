"""SSIM against SciPy's Gaussian window in float64, and what the paper says of it."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from gradschool.ops.similarity import structural_similarity


def pictures(seed, side=24, channels=2):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(3, channels, side, side, generator=g, dtype=torch.float64)


def by_scipy(x, y):
    """Radius 5 of deviation 1.5; the five border pixels, whose windows leave the picture, are cut off."""
    blur = lambda v: gaussian_filter(v, 1.5, radius=5)[5:-5, 5:-5]  # noqa: E731
    mx, my = blur(x), blur(y)
    xx, yy, xy = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    return np.mean((2 * mx * my + 1e-4) * (2 * xy + 9e-4) / ((mx**2 + my**2 + 1e-4) * (xx + yy + 9e-4)))


@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_it_is_the_formula_by_scipy(noise):
    x = pictures(0)
    y = (x + noise * (pictures(1) - 0.5)).clamp(0, 1)
    each = [by_scipy(a.numpy(), b.numpy()) for a, b in zip(x.flatten(0, 1), y.flatten(0, 1), strict=True)]
    wanted = np.array(each).reshape(3, 2).mean(1)
    np.testing.assert_allclose(structural_similarity(x, y), wanted, rtol=1e-9)


def test_equal_pictures_have_one_and_it_is_symmetric():
    x, y = pictures(0), pictures(1)
    np.testing.assert_allclose(structural_similarity(x, x), 1)
    np.testing.assert_allclose(structural_similarity(x, y), structural_similarity(y, x))


def test_structure_counts_where_squared_error_is_blind():
    """The paper's figure 2: a shift of brightness and noise of the same squared error."""
    x = 0.25 + pictures(0).cumsum(3) / 48  # smooth along rows
    brighter, noisy = x + 0.1, x + 0.1 * torch.sign(pictures(1) - 0.5)
    assert (structural_similarity(x, brighter) > structural_similarity(x, noisy) + 0.1).all()


@pytest.mark.parametrize("side", [1, 8, 11])
def test_small_pictures_have_smaller_windows(side):
    x = pictures(0, side)
    assert structural_similarity(x, x).tolist() == pytest.approx([1] * 3)
