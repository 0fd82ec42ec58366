"""Fillings without a network, against scikit-learn's distances and imputer."""

import numpy as np
import torch
from sklearn.impute import KNNImputer
from sklearn.metrics.pairwise import nan_euclidean_distances

from gradschool.data.augment.hide import Damage
from gradschool.evals.dense.fillings import mean_filling, nearest_filling, visible_distances
from gradschool.evals.dense.smooth import smooth_filling

KNOWN = torch.rand(40, 1, 5, 5, generator=torch.Generator().manual_seed(0))
IMAGES = torch.rand(15, 1, 5, 5, generator=torch.Generator().manual_seed(1))
DAMAGED, MASK = Damage(squares=1, side=3)(IMAGES, torch.Generator().manual_seed(2))


def with_gaps():
    return torch.where(MASK, torch.nan, IMAGES).flatten(1).double().numpy()


def test_distances_are_scikit_learns():
    visible = (~MASK).flatten(1).float()
    # its distances are scaled up by the share of numbers that are there
    wanted = nan_euclidean_distances(with_gaps(), KNOWN.flatten(1).double().numpy(), squared=True)
    wanted *= visible.mean(1, keepdim=True).numpy()
    found = visible_distances(DAMAGED.flatten(1), visible, KNOWN.flatten(1))
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-5)  # float32 differences of sums of 25


def test_nearest_filling_is_imputation_by_one_neighbour():
    imputer = KNNImputer(n_neighbors=1).fit(KNOWN.flatten(1).double().numpy())
    wanted = imputer.transform(with_gaps()).reshape(IMAGES.shape)
    found = nearest_filling(DAMAGED, MASK, KNOWN, at_once=4)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)
    assert torch.equal(found[~MASK], IMAGES[~MASK])


def test_mean_filling():
    filled = mean_filling(DAMAGED, MASK, KNOWN)
    assert torch.equal(filled[~MASK], IMAGES[~MASK])
    assert torch.equal(filled[MASK], KNOWN.mean(0).expand_as(IMAGES)[MASK])


def test_smooth_filling_continues_a_ramp_and_stays_within_its_border():
    """A plane solves Laplace's equation, and no solution exceeds its border (maximum principle)."""
    ramp = (torch.arange(12.0)[:, None] + 2 * torch.arange(12.0)).expand(1, 1, 12, 12) / 40
    mask = torch.zeros(1, 1, 12, 12, dtype=torch.bool)
    mask[..., 4:7, 3:9] = True
    found = smooth_filling(ramp.masked_fill(mask, 0), mask)
    torch.testing.assert_close(found, ramp, atol=1e-4, rtol=0)  # 200 rounds of Jacobi's method
    some = smooth_filling(DAMAGED, MASK)
    assert torch.equal(some[~MASK], DAMAGED[~MASK])
    for filled, image, hole in zip(some, IMAGES, MASK, strict=True):
        known = image[~hole]
        assert known.min() <= filled[hole].min() and filled[hole].max() <= known.max()
