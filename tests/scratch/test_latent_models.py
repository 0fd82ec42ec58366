"""Probabilistic principal components and mixtures against scikit-learn and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from gradschool.scratch.statistics import gmm, ppca

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2)) @ RNG.normal(size=(2, 5)) * 2 + RNG.normal(size=(300, 5)) + 3


@pytest.mark.parametrize("codes", [1, 2, 4])
def test_ppca_has_the_likelihood_of_scikit_learns(codes):
    model, theirs = ppca.fit_ppca(X, codes), PCA(codes).fit(X)
    cover = model.weights @ model.weights.T + model.variance * np.eye(5)
    # theirs divides by n - 1, ours by n: the most likely
    np.testing.assert_allclose(cover, theirs.get_covariance() * 299 / 300, atol=1e-10)
    exact = multivariate_normal(model.mean, cover).logpdf(X)
    np.testing.assert_allclose(ppca.log_likelihood(model, X), exact)
    assert ppca.log_likelihood(model, X).mean() >= theirs.score(X) - 1e-12


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.9, 1.1), st.floats(0.9, 1.1))
def test_no_neighbour_is_more_likely(seed, stretch, louder):
    model = ppca.fit_ppca(X, 2)
    turn = 0.05 * np.random.default_rng(seed).normal(size=model.weights.shape)
    other = ppca.Ppca(model.mean, stretch * model.weights + turn, louder * model.variance)
    assert ppca.log_likelihood(other, X).sum() <= ppca.log_likelihood(model, X).sum() + 1e-9


def test_the_posterior_is_that_of_the_joint_gaussian_and_samples_look_like_the_data():
    model = ppca.fit_ppca(X, 2)
    cover = model.weights @ model.weights.T + model.variance * np.eye(5)
    gain = model.weights.T @ np.linalg.inv(cover)
    mean, spread = ppca.posterior(model, X)
    np.testing.assert_allclose(mean, (X - model.mean) @ gain.T)
    np.testing.assert_allclose(spread, np.eye(2) - gain @ model.weights, atol=1e-12)
    drawn = ppca.sample(model, 200_000, np.random.default_rng(1))
    # A covariance of 200,000 points is off by about the largest variance times sqrt(2 / 200,000).
    np.testing.assert_allclose(np.cov(drawn.T), cover, atol=5 * cover.max() * (2 / 200_000) ** 0.5)
    with pytest.raises(ValueError, match="codes is 5, 1 to 4 was wanted"):
        ppca.fit_ppca(X, 5)


POINTS = np.concatenate([RNG.normal(m, s, (80, 2)) for m, s in ((0, 1), (6, 0.5), (-5, 2))])
START = gmm.start_at(POINTS, 3, np.random.default_rng(4))


@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_em_takes_the_steps_of_scikit_learn(steps):
    theirs = GaussianMixture(
        3, weights_init=START.weights, means_init=START.means,
        precisions_init=np.linalg.inv(START.covariances), max_iter=steps, tol=0, reg_covar=1e-6,
    ).fit(POINTS)  # fmt: skip
    model, course = gmm.fit_mixture(POINTS, START, steps)
    np.testing.assert_allclose(model.means, theirs.means_, rtol=1e-6)
    np.testing.assert_allclose(model.covariances, theirs.covariances_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.weights, theirs.weights_, rtol=1e-6)
    np.testing.assert_allclose(gmm.expectation(model, POINTS)[0], theirs.predict_proba(POINTS), atol=1e-8)
    assert course[-1] == pytest.approx(theirs.score(POINTS))


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_likelihood_never_falls(seed, components):
    start = gmm.start_at(POINTS, components, np.random.default_rng(seed))
    _, course = gmm.fit_mixture(POINTS, start, 15)
    # The floor under variances is not part of the likelihood: it may cost a millionth.
    assert min(np.diff(course)) > -1e-5


def test_far_points_and_other_sizes():
    far = np.array([[1e4, -1e4]])
    shares, evidence = gmm.expectation(START, far)
    assert shares.sum() == pytest.approx(1) and np.isfinite(evidence).all()
    model, course = gmm.fit_mixture(POINTS, START, 500, 1e-8)
    assert len(course) < 400 and model.weights.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="means have 2 numbers, 3 were wanted"):
        gmm.fit_mixture(np.zeros((4, 3)), START, 1)
