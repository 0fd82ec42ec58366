"""Beliefs from data: Bayes' rule on a table, and the most probable parameters with a prior and without.

Source: Bishop 2006, sections 1.2.3 (Bayes), 2.1.1 (coins), 2.3.4 and 2.3.6 (Gaussians), 3.1.1 and 3.3.1
(lines). MLE: the parameters under which the data are most probable. MAP: those most probable given the data.
"""

from collections.abc import Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def posterior(prior: Array, table: Array, seen: Sequence[int]) -> Array:
    """How probable each hypothesis is once outcomes have been seen: prior times likelihood, normalised.

    Args:
        prior: (h,), probability of each hypothesis beforehand; they sum to 1.
        table: (h, k), probability of each of k outcomes under each hypothesis; every row sums to 1.
        seen: the outcomes, 0 to k - 1, drawn one after the other and independent given the hypothesis. There
            may be thousands: a product of so many probabilities is 0 in floating point, a sum of logarithms
            is not. The logarithm of a probability of 0 is -inf, which is as it should be.

    Returns:
        (h,), summing to 1; NaN if what was seen is impossible under every hypothesis.

    Source: Bayes 1763; Bishop 2006, eq. 1.43.
    """
    prior, table = np.asarray(prior, float), np.asarray(table, float)
    with np.errstate(divide="ignore"):
        log_prior, log_table = np.log(prior), np.log(table)
    # 1. Logarithm of the joint probability of each hypothesis and all that was seen.
    joint = log_prior + log_table[:, list(seen)].sum(axis=1)
    # 2. Subtract the largest, so that exp stays within range, and normalise.
    p: Array = np.exp(joint - joint.max())
    return p / p.sum()


def coin(heads: int, tails: int, a: float, b: float) -> tuple[float, float, float]:
    """Three estimates of a coin's probability of heads, after tosses, from a Beta(a, b) prior.

    The prior density is proportional to p^(a-1) (1-p)^(b-1): as if a - 1 heads and b - 1 tails had been seen
    before. Given the tosses the density is Beta(a + heads, b + tails). The mean of Beta(a, b) is a / (a + b).

    Args:
        heads, tails: how often each came, not both 0.
        a, b: of the prior, >= 1; Beta(1, 1) is flat.

    Returns:
        The maximum of the likelihood (MLE), the maximum of the posterior density (MAP), the posterior mean.

    Source: Bishop 2006, eqs. 2.8, 2.18 and 2.20.
    """
    # 1. MLE: the share of heads.
    mle = heads / (heads + tails)
    # 2. MAP: the share of heads, the prior's own tosses included.
    most = (heads + a - 1) / (heads + tails + a + b - 2)
    # 3. Mean of the posterior.
    mean = (heads + a) / (heads + tails + a + b)
    return mle, most, mean


def gaussian_mle(x: Array) -> tuple[Array, Array]:
    """Mean and covariance of the Gaussian under which points are most probable.

    The covariance is the mean of the outer products of what is left after the mean is subtracted: divided by
    n, not by n - 1. On average it is (n - 1) / n of the true one, as the mean was fitted to the same points.

    Args:
        x: n points of d coordinates, (n, d).

    Returns:
        mean (d,) and covariance (d, d).

    Source: Bishop 2006, eqs. 2.121 and 2.122.
    """
    # 1. The mean point.
    mean: Array = x.mean(axis=0)
    # 2. The mean of products of every two coordinates, both counted from their means.
    rest = x - mean
    return mean, rest.T @ rest / len(x)


def gaussian_belief(x: Array, sigma: float, mean: float, tau: float) -> tuple[float, float]:
    """What is known of a quantity after measurements with Gaussian errors, from a Gaussian prior.

    Precisions, 1 / variance, add up; means are weighted by them. The posterior is Gaussian, so its mean is
    the MAP estimate too.

    Args:
        x: the measurements, (n,), n >= 0.
        sigma: standard deviation of their errors, > 0.
        mean, tau: of the prior, tau > 0.

    Returns:
        Mean and standard deviation of the posterior.

    Source: Bishop 2006, eqs. 2.141 and 2.142.
    """
    # 1. Precision of the prior, and of all measurements together.
    before, data = 1 / tau**2, len(x) / sigma**2
    # 2. The mean of both, weighted by precision.
    centre = (before * mean + np.sum(x) / sigma**2) / (before + data)
    return float(centre), float((before + data) ** -0.5)


def map_weights(x: Array, y: Array, sigma: float, tau: float) -> Array:
    """The most probable weights of y = x w + noise under a prior that keeps weights small: ridge regression.

    Minus the logarithm of the posterior is |y - x w|^2 / (2 sigma^2) + |w|^2 / (2 tau^2) but for constants.
    Times sigma^2, the gradient in w vanishes where (x'x + k I) w = x'y with k = (sigma / tau)^2.

    Args:
        x: (n, d); a column of ones, if there is to be a bias, which is then kept small as well.
        y: (n,).
        sigma: standard deviation of the noise, > 0, the same for all points.
        tau: standard deviation of the prior of every weight, > 0; math.inf for no prior: MLE, least squares.

    Returns:
        w, (d,).

    Source: Bishop 2006, eq. 3.55.
    """
    # 1. How strongly the prior pulls towards 0, in units of squared errors.
    pull = (sigma / tau) ** 2
    # 2. Solve for the place where the gradient vanishes.
    return np.linalg.solve(x.T @ x + pull * np.eye(x.shape[1]), x.T @ y)


def log_density(x: Array, mean: Array, covariance: Array) -> Array:
    """Logarithm of a Gaussian's density at points.

    Args:
        x: (n, d).
        mean: (d,).
        covariance: (d, d), positive definite.

    Returns:
        (n,), in nats.

    Source: Bishop 2006, eq. 2.43.
    """
    # 1. Squared distance from the mean in units of the spread.
    rest = x - mean
    far = (rest * np.linalg.solve(covariance, rest.T).T).sum(axis=1)
    # 2. The volume that the density is spread over.
    log_volume = len(mean) * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
    return -0.5 * (far + log_volume)
