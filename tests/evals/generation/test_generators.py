"""Scores of generators against slow loops, scikit-learn, SciPy and closed forms."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from gradschool.evals.generation.generators import (  # fmt: skip
    copies,
    covered,
    inception_score,
    kernel_distance,
    nearest,
    precision_recall,
    squared_mmd,
)


def gaussian(n, d, seed, shift=0.0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_mmd_is_the_mean_over_pairs_under_scikit_learns_kernel():
    x, y = gaussian(7, 5, 0), gaussian(9, 5, 1, 0.3)
    xx, yy, xy = (polynomial_kernel(a, b, 3, 1 / 5, 1) for a, b in ((x, x), (y, y), (x, y)))
    own = np.mean([xx[i, j] for i in range(7) for j in range(7) if i != j])
    other = np.mean([yy[i, j] for i in range(9) for j in range(9) if i != j])
    assert squared_mmd(x, y).item() == pytest.approx(own + other - 2 * xy.mean(), rel=1e-12)


def test_mmd_is_unbiased():
    """Two sets of one distribution: the mean of 400 estimates is 0 within 4 standard errors."""
    found = torch.stack([squared_mmd(gaussian(20, 4, 2 * i), gaussian(20, 4, 2 * i + 1)) for i in range(400)])
    assert abs(found.mean()) < 4 * found.std() / 20


def test_kid_sees_a_shift_and_says_how_sure_it_is():
    real, same, moved = gaussian(800, 8, 0), gaussian(800, 8, 1), gaussian(800, 8, 2, 0.5)
    near, far = (kernel_distance(real, x, seeded(), 20, 200) for x in (same, moved))
    assert far.low > near.high > near.low
    everything = kernel_distance(real, moved, seeded(), 2, 5000)  # more than there are: all, each time
    assert everything.value == pytest.approx(squared_mmd(real, moved).item(), rel=1e-9)


def test_neighbours_are_scikit_learns():
    x, known = gaussian(1100, 6, 0).float(), gaussian(300, 6, 1).float()
    wanted, place = NearestNeighbors(n_neighbors=3).fit(known).kneighbors(x)
    found, which = nearest(x, known, 3)
    np.testing.assert_allclose(found, wanted[:, 2], rtol=1e-5)
    np.testing.assert_array_equal(which, place[:, 2])
    own, _ = nearest(known, known, 2, skip_self=True)
    np.testing.assert_allclose(
        own, NearestNeighbors(n_neighbors=2).fit(known).kneighbors()[0][:, 1], rtol=1e-5
    )


def test_precision_and_recall_tell_blur_from_missing_modes():
    near, far = gaussian(200, 2, 0), gaussian(200, 2, 1, 50.0)
    both = torch.cat([near, far])
    one_mode = gaussian(200, 2, 2)
    precision, recall = precision_recall(both, one_mode)
    assert precision > 0.85 and recall == pytest.approx(0.5, abs=0.06)
    precision, recall = precision_recall(one_mode, torch.cat([gaussian(200, 2, 3), far]))
    assert precision == pytest.approx(0.5, abs=0.06) and recall > 0.85


def test_precision_by_a_slow_loop():
    real, made, k = gaussian(30, 3, 0), gaussian(25, 3, 1, 0.5), 3
    radius = [sorted((r - q).norm().item() for q in real)[k] for r in real]
    inside = [any((m - r).norm() <= size for r, size in zip(real, radius, strict=True)) for m in made]
    assert precision_recall(real, made, k)[0] == pytest.approx(np.mean(inside))


def test_inception_score_is_scipys_divergence_and_its_ends_are_known():
    p = gaussian(500, 6, 0).softmax(1)
    wanted = np.exp(np.mean([entropy(row, p.mean(0).numpy()) for row in p.numpy()]))
    found = inception_score(p, seeded())
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert found.low < found.value < found.high
    assert inception_score(torch.eye(6).repeat(10, 1), seeded(), 2).value == pytest.approx(6)
    assert inception_score(torch.full((10, 6), 1 / 6), seeded(), 2).value == pytest.approx(1)


def test_classes_are_covered_by_a_tenth_of_their_share():
    labels = torch.tensor([0] * 60 + [1] * 39 + [2] * 1)
    assert covered(torch.eye(4)[labels]) == 2  # class 2 has 1 %, 2.5 % would be a tenth of a quarter
    assert covered(torch.eye(4)[labels], 0.04) == 3


def test_copies_are_found_and_new_pictures_are_not_blamed():
    train, test, new = gaussian(500, 10, 0), gaussian(300, 10, 1), gaussian(300, 10, 2)
    assert copies(new, train, test).share < 0.04
    half = torch.cat([new[:150], train[:150] + 1e-3])
    found = copies(half, train, test)
    assert found.share == pytest.approx(0.5, abs=0.02)
    assert found.place[150:].tolist() == list(range(150))
