"""The Frechet distance against SciPy's root of a matrix, as pytorch-fid takes it, and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from gradschool.evals.generation.frechet import Moments, fitted, frechet_distance, from_moments


def features(n, d, seed, shift=0.0):
    """Rectified mixtures, as networks' features are: correlated, non-negative, of very different sizes."""
    g = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=torch.Generator().manual_seed(99)) * torch.logspace(0, -2, d)
    return (torch.randn(n, d, generator=g) @ mix + shift).relu()


def by_sqrtm(x, y):
    """The formula as pytorch-fid computes it."""
    x, y = x.double().numpy(), y.double().numpy()
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    apart = x.mean(0) - y.mean(0)
    root = sqrtm(a @ b)
    return apart @ apart + np.trace(a) + np.trace(b) - 2 * np.trace(root.real)


@pytest.mark.parametrize(("n", "m", "d"), [(500, 400, 64), (300, 310, 192)])
def test_it_is_scipys(n, m, d):
    x, y = features(n, d, 0), features(m, d, 1, 0.05)
    assert frechet_distance(fitted(x), fitted(y)) == pytest.approx(by_sqrtm(x, y), rel=1e-6)


def test_it_is_torch_fidelitys():
    metric = pytest.importorskip("torch_fidelity.metric_fid")
    x, y = features(500, 64, 0).double(), features(400, 64, 1, 0.05).double()
    told = [metric.fid_features_to_statistics(each) for each in (x, y)]
    wanted = metric.fid_statistics_to_metric(*told, verbose=False)[metric.KEY_METRIC_FID]
    assert frechet_distance(fitted(x), fitted(y)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("n", "m"), [(40, 50), (40, 40), (40, 400), (400, 40)])
def test_few_pictures_give_the_same_by_the_short_way(n, m):
    """SciPy's root of a singular matrix is good to about 1e-5 only; NumPy's nuclear norm is exact."""
    x, y = features(n, 96, 0).double(), features(m, 96, 1).double()
    a, b = [((v - v.mean(0)) / (len(v) - 1) ** 0.5).numpy() for v in (x, y)]
    apart = (x.mean(0) - y.mean(0)).square().sum().item()
    wanted = apart + (a**2).sum() + (b**2).sum() - 2 * np.linalg.norm(a @ b.T, "nuc")
    assert frechet_distance(fitted(x), fitted(y)) == pytest.approx(wanted, rel=1e-9)
    assert frechet_distance(fitted(x), fitted(y)) == pytest.approx(by_sqrtm(x, y), rel=1e-4)


def test_a_feature_that_never_fires_does_no_harm():
    x, y = features(300, 32, 0), features(300, 32, 1)
    silent = torch.zeros(300, 1)
    alone = frechet_distance(fitted(x), fitted(y))
    both = frechet_distance(fitted(torch.cat([x, silent], 1)), fitted(torch.cat([y, silent], 1)))
    assert both == pytest.approx(alone, rel=1e-9)


@given(st.lists(st.tuples(*[st.floats(0.1, 9)] * 4), min_size=1, max_size=6))
def test_independent_features_have_a_closed_form(rows):
    mean_a, std_a, mean_b, std_b = torch.tensor(rows, dtype=torch.float64).T
    a, b = from_moments(mean_a, std_a.square().diag()), from_moments(mean_b, std_b.square().diag())
    wanted = ((mean_a - mean_b).square() + (std_a - std_b).square()).sum().item()
    assert frechet_distance(a, b) == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_batches_of_any_size_give_numpys_covariance_even_far_from_zero():
    x = features(1000, 20, 0).double() + 1e6
    moments = Moments(20)
    for piece in x.split([1, 300, 7, 692]):
        moments.add(piece)
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(x.numpy(), rowvar=False), atol=1e-9)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="1 pictures, 2 or more"):
        fitted(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="NaN or infinite"):
        fitted(torch.full((3, 3), torch.nan))
    with pytest.raises(ValueError, match="0 pictures"):
        Moments(3).covariance  # noqa: B018
    with pytest.raises(ValueError, match="3 features and 4"):
        frechet_distance(fitted(torch.rand(9, 3)), fitted(torch.rand(9, 4)))
