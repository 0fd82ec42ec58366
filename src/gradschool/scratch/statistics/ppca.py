"""Probabilistic principal components: a Gaussian code, a linear map and noise, fitted in closed form.

Source: Tipping and Bishop 1999. Letters: n points of d numbers, q numbers in a code, W (d, q), sigma^2 the
noise's variance.
"""

from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array


@dataclass(frozen=True)
class Ppca:
    """x = W z + mean + noise, with z from N(0, I).

    Args:
        mean: (d,).
        weights: W, (d, q).
        variance: sigma^2 of the noise, > 0.
    """

    mean: Array
    weights: Array
    variance: float


def fit_ppca(x: Array, codes: int) -> Ppca:
    """The maximum-likelihood model with `codes` latent dimensions, in closed form.

    Args:
        x: points (n, d), n > d.
        codes: q, numbers of a code, 1 to d - 1.

    Returns:
        mean (d,), weights W (d, q) and the noise variance sigma^2. Columns of W are eigenvectors of the
        covariance (divided by n), largest eigenvalue first, each times sqrt(eigenvalue - sigma^2), or times 0
        where rounding puts an eigenvalue below sigma^2; their signs are free.

    Raises:
        ValueError: `codes` is out of range.

    Source: eqs. 7 and 8, with R = I.
    """
    d = x.shape[1]
    if not 1 <= codes < d:
        raise ValueError(f"codes is {codes}, 1 to {d - 1} was wanted")
    # 1. Eigenvectors and eigenvalues of the covariance (divided by n), largest first.
    mean = x.mean(0)
    variances, directions = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    variances, directions = variances[::-1], directions[:, ::-1]
    # 2. The noise variance is the mean of the eigenvalues that are left out.
    noise = float(variances[codes:].mean())
    # 3. Scale each kept eigenvector so that W W^T + sigma^2 I has its eigenvalue; none is below the noise.
    weights = directions[:, :codes] * np.sqrt(np.maximum(variances[:codes] - noise, 0))
    return Ppca(mean, weights, noise)


def log_likelihood(model: Ppca, x: Array) -> Array:
    """The ln p(x) of each point: x is Gaussian with covariance W W^T + sigma^2 I. Source: eq. 4.

    Args:
        model: fitted.
        x: (n, d).
    """
    d = x.shape[1]
    # 1. The covariance of what is seen.
    covariance = model.weights @ model.weights.T + model.variance * np.eye(d)
    # 2. The density of a Gaussian with it.
    centred = x - model.mean
    distance = (centred * np.linalg.solve(covariance, centred.T).T).sum(1)
    _, log_volume = np.linalg.slogdet(covariance)
    likelihoods: Array = -0.5 * (distance + log_volume + d * np.log(2 * np.pi))
    return likelihoods


def posterior(model: Ppca, x: Array) -> tuple[Array, Array]:
    """The posterior of the code of each point: mean (n, q), and covariance (q, q), the same for all.

    Args:
        model: fitted.
        x: (n, d).

    Source: eq. 6. A variational autoencoder's encoder learns this by gradient descent.
    """
    q = model.weights.shape[1]
    # 1. M, the precision of a code but for the noise.
    m = model.weights.T @ model.weights + model.variance * np.eye(q)
    # 2. Mean and covariance.
    mean: Array = np.linalg.solve(m, model.weights.T @ (x - model.mean).T).T
    return mean, model.variance * np.linalg.inv(m)


def sample(model: Ppca, n: int, rng: np.random.Generator) -> Array:
    """New points (n, d): a code, its picture, noise."""
    d, q = model.weights.shape
    codes = rng.normal(size=(n, q))
    noise = np.sqrt(model.variance) * rng.normal(size=(n, d))
    points: Array = codes @ model.weights.T + model.mean + noise
    return points
