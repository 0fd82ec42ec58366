"""A Gaussian mixture by the EM algorithm: estimate which component made each point, then re-fit them.

Source: Dempster et al. 1977; Bishop 2006, section 9.2.2. Letters: n points of d numbers, k components.
"""

from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array


@dataclass(frozen=True)
class Mixture:
    """A weighted sum of Gaussians.

    Args:
        weights: (k,), at least 0, with sum 1.
        means: (k, d).
        covariances: (k, d, d).
    """

    weights: Array
    means: Array
    covariances: Array


def log_joint(model: Mixture, x: Array) -> Array:
    """The ln of weight times density, (n, k), of each point under each component.

    Args:
        model: the mixture.
        x: (n, d).

    Source: Bishop 2006, eqs. 2.43 and 9.7.
    """
    columns, d = [], x.shape[1]
    for weight, mean, covariance in zip(model.weights, model.means, model.covariances, strict=True):
        # 1. With the Cholesky factor L, distance is |L^-1 (x - mean)|^2 and the volume is L's diagonal.
        factor = np.linalg.cholesky(covariance)
        distance = (np.linalg.solve(factor, (x - mean).T) ** 2).sum(0)
        log_volume = 2 * np.log(np.diag(factor)).sum()
        # 2. The density in logarithms, with the component's share.
        columns.append(np.log(weight) - 0.5 * (distance + log_volume + d * np.log(2 * np.pi)))
    return np.stack(columns, 1)


def expectation(model: Mixture, x: Array) -> tuple[Array, Array]:
    """The E-step: posterior probabilities of the components, and the log-likelihood of each point.

    Args:
        model: the mixture.
        x: points (n, d); they may lie so far out that their densities underflow to 0.

    Returns:
        responsibilities (n, k), each row from 0 to 1 with sum 1, and ln p(x) of each point (n,), in nats.

    Source: Bishop 2006, eq. 9.23.
    """
    # 1. ln p(x), all in logarithms: densities of far points underflow to 0.
    joint = log_joint(model, x)
    largest = joint.max(1, keepdims=True)
    evidence = largest + np.log(np.exp(joint - largest).sum(1, keepdims=True))
    # 2. Bayes' rule: the share of each component in the density of the point.
    return np.exp(joint - evidence), evidence[:, 0]


def maximisation(x: Array, responsibilities: Array, floor: float = 1e-6) -> Mixture:
    """The M-step: the maximum-likelihood mixture for given responsibilities.

    Args:
        x: (n, d).
        responsibilities: (n, k), rows sum to 1.
        floor: added to every variance, or a component on a single point would shrink to nothing, > 0.

    Source: Bishop 2006, eqs. 9.24 to 9.27.
    """
    # 1. How many points each component explains.
    counts = responsibilities.sum(0) + 10 * np.finfo(float).eps
    # 2. Weighted means and covariances.
    means = responsibilities.T @ x / counts[:, None]
    covariances = []
    for share, count, mean in zip(responsibilities.T, counts, means, strict=True):
        centred = x - mean
        covariances.append((share[:, None] * centred).T @ centred / count + floor * np.eye(x.shape[1]))
    return Mixture(counts / counts.sum(), means, np.stack(covariances))


def fit_mixture(x: Array, start: Mixture, steps: int, tolerance: float = 0.0) -> tuple[Mixture, list[float]]:
    """E-step and M-step in turn; the likelihood never falls (but for the floor).

    Args:
        x: (n, d).
        start: where to begin; which maximum is reached depends on it.
        steps: at most.
        tolerance: stop when the mean ln p(x) rises by less.

    Returns:
        The mixture, and the mean ln p(x) before each step and after the last.

    Raises:
        ValueError: the mixture and the points have different numbers of coordinates.
    """
    if start.means.shape[1] != x.shape[1]:
        raise ValueError(
            f"means have {start.means.shape[1]} numbers, {x.shape[1]} were wanted, as points have"
        )
    model, course = start, [float(expectation(start, x)[1].mean())]
    for _ in range(steps):
        responsibilities, _ = expectation(model, x)
        model = maximisation(x, responsibilities)
        course.append(float(expectation(model, x)[1].mean()))
        if course[-1] - course[-2] < tolerance:
            break
    return model, course


def start_at(x: Array, components: int, rng: np.random.Generator) -> Mixture:
    """Equal shares, means at different points drawn at random, the covariance of all points for each."""
    chosen = rng.choice(len(x), components, replace=False)
    covariance = np.atleast_2d(np.cov(x.T, bias=True)) + 1e-6 * np.eye(x.shape[1])
    shares = np.full(components, 1 / components)
    return Mixture(shares, x[chosen], np.repeat(covariance[None], components, 0))
