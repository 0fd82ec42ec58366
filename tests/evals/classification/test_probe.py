"""Linear probes beside scikit-learn's, nearest class means beside its NearestCentroid."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid

from gradschool.evals.classification.probe import class_means, linear_probe


def drawn(seed, n=60, d=7, classes=3):
    """Overlapping clouds, far from the origin and on another scale than 1; every class is there."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % classes
    x = torch.randn(n, d, generator=generator) + torch.randn(classes, d, generator=generator)[y]
    return 40 * x + 300, y


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), decay=st.sampled_from([1e-3, 1e-2, 1.0]), classes=st.integers(3, 5))
def test_the_probe_is_scikit_learns_logistic_regression(seed, decay, classes):
    """On the features as the probe scales them: C = 1 / (decay n). Both end where gradients are below
    1e-7."""
    x, y = drawn(seed, classes=classes)
    centre = x.mean(0)
    scale = (x - centre).square().mean().sqrt()
    peer = LogisticRegression(C=1 / (decay * len(y)), tol=1e-9, max_iter=5000).fit((x - centre) / scale, y)
    weight, bias = linear_probe(x, y, classes, decay)
    ours = torch.softmax(x.double() @ weight.double().T + bias.double(), 1)
    # Weights in float32 times numbers near 300: 1e-7 x 300 x 7 terms.
    np.testing.assert_allclose(ours, peer.predict_proba((x - centre) / scale), atol=2e-4)
    np.testing.assert_allclose(weight * scale, peer.coef_, rtol=1e-3, atol=1e-3)


def test_fewer_rows_than_features_are_scikit_learns_problem_too():
    x, y = drawn(3, n=12, d=30)
    centre = x.mean(0)
    scale = (x - centre).square().mean().sqrt()
    peer = LogisticRegression(C=1 / (0.1 * 12), tol=1e-9, max_iter=5000).fit((x - centre) / scale, y)
    weight, bias = linear_probe(x, y, 3)
    new = drawn(4, n=9, d=30)[0]
    ours = torch.softmax(new.double() @ weight.double().T + bias.double(), 1)
    np.testing.assert_allclose(ours, peer.predict_proba((new - centre) / scale), atol=1e-3)


def test_a_stronger_penalty_means_smaller_weights_and_less_certainty():
    x, y = drawn(0)
    norms = [float(linear_probe(x, y, 3, decay)[0].norm()) for decay in (1e-3, 1e-1, 10.0)]
    assert norms[0] > 2 * norms[1] > 4 * norms[2]


def test_features_without_any_difference_give_shares_of_the_classes():
    y = torch.tensor([0, 0, 0, 1])
    weight, bias = linear_probe(torch.full((4, 2), 5.0), y, 2)
    shares = torch.softmax(torch.full((2,), 5.0) @ weight.T + bias, 0)
    torch.testing.assert_close(shares, torch.tensor([0.75, 0.25]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_mean_is_scikit_learns_nearest_centroid(seed):
    x, y = drawn(seed)
    weight, bias = class_means(x, y, 3)
    assert (x @ weight.T + bias).argmax(1).tolist() == NearestCentroid().fit(x, y).predict(x).tolist()
