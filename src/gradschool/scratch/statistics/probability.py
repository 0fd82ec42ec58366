"""Beliefs from data: Bayes' rule on a table, and the most probable parameters with a prior and without.

Source: Bishop 2006, sections 1.2.3 (Bayes), 2.1.1 (coins), 2.3.4 and 2.3.6 (Gaussians), 3.1.1 and 3.3.1
(lines). MLE: the parameters under which the data are most probable. MAP: those most probable given the data.
"""

from collections.abc import Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def posterior(prior: Array, table: Array, seen: Sequence[int]) -> Array:
    """Posterior probability of each hypothesis after some outcomes: prior times likelihood, normalised.

    Args:
        prior: (h,), probability of each hypothesis before any outcome; they sum to 1.
        table: (h, k), likelihoods: probability of each of k outcomes under each hypothesis; rows sum to 1.
        seen: the observed outcomes, column numbers 0 to k - 1, independent given the hypothesis. There may be
            none, or thousands: a product of so many probabilities is 0 in floating point, so add their
            logarithms. The logarithm of a probability of 0 is -inf, which is what it should be.

    Returns:
        (h,), summing to 1; NaN if the outcomes are impossible under every hypothesis.

    Source: Bayes 1763; Bishop 2006, eq. 1.43.
    """
    prior, table = np.asarray(prior, float), np.asarray(table, float)
    with np.errstate(divide="ignore"):
        log_prior, log_table = np.log(prior), np.log(table)
    # 1. Logarithm of the joint probability of each hypothesis and all observed outcomes.
    joint = log_prior + log_table[:, list(seen)].sum(axis=1)
    # 2. Subtract the largest, so that exp stays within range, and normalise.
    p: Array = np.exp(joint - joint.max())
    return p / p.sum()


def coin(heads: int, tails: int, a: float, b: float) -> tuple[float, float, float]:
    """Three estimates of a coin's probability p of heads, under a Beta(a, b) prior.

    The prior density is proportional to p^(a-1) (1-p)^(b-1), as if a - 1 heads and b - 1 tails had been seen
    before. The posterior is Beta(a + heads, b + tails). The mean of Beta(a, b) is a / (a + b).

    Args:
        heads, tails: numbers of heads and tails, not both 0.
        a, b: of the prior, >= 1; Beta(1, 1) is flat.

    Returns:
        The maximum-likelihood estimate (MLE), the maximum of the posterior density (MAP), the posterior mean;
        each from 0 to 1.

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
    """Maximum-likelihood mean and covariance of a Gaussian.

    The covariance is the mean over points of the outer product of (point - mean) with itself, so it is
    divided by n, not by n - 1. On average it is (n - 1) / n of the true one, because the mean was fitted to
    the same points.

    Args:
        x: n points of d coordinates, (n, d).

    Returns:
        mean (d,) and covariance (d, d).

    Source: Bishop 2006, eqs. 2.121 and 2.122.
    """
    # 1. The mean point.
    mean: Array = x.mean(axis=0)
    # 2. The mean product of every two coordinates, each measured from its own mean.
    rest = x - mean
    return mean, rest.T @ rest / len(x)


def gaussian_belief(x: Array, sigma: float, mean: float, tau: float) -> tuple[float, float]:
    """Posterior of a quantity that was measured n times with Gaussian noise, under a Gaussian prior.

    Inverse variances add up, and each value is weighted by its own. The posterior is Gaussian, so its mean is
    the MAP estimate as well.

    Args:
        x: the measurements, (n,), n >= 0.
        sigma: standard deviation of the noise of each measurement, > 0.
        mean, tau: mean and standard deviation of the prior, tau > 0.

    Returns:
        Mean and standard deviation of the posterior.

    Source: Bishop 2006, eqs. 2.141 and 2.142.
    """
    # 1. Inverse variance of the prior, and of all measurements together.
    before, data = 1 / tau**2, len(x) / sigma**2
    # 2. The mean of both, weighted by inverse variance.
    centre = (before * mean + np.sum(x) / sigma**2) / (before + data)
    return float(centre), float((before + data) ** -0.5)


def map_weights(x: Array, y: Array, sigma: float, tau: float) -> Array:
    """MAP weights of y = x w + Gaussian noise, under a Gaussian prior N(0, tau^2): ridge regression.

    The negative log-posterior is |y - x w|^2 / (2 sigma^2) + |w|^2 / (2 tau^2) plus constants. Its gradient
    in w is zero where (x'x + k I) w = x'y with k = (sigma / tau)^2.

    Args:
        x: inputs, one row a point, (n, d). For a bias add a column of ones; the prior pulls it to 0 as well.
        y: targets, (n,).
        sigma: standard deviation of the noise, > 0, the same for all points.
        tau: standard deviation of the prior of every weight, > 0; math.inf for no prior, which gives least
            squares, the MLE.

    Returns:
        w, (d,).

    Source: Bishop 2006, eq. 3.55.
    """
    # 1. The strength k of the prior, relative to the squared error.
    pull = (sigma / tau) ** 2
    # 2. Solve for the weights at which the gradient is zero.
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
    # 1. Squared distance from the mean, measured with the covariance.
    rest = x - mean
    far = (rest * np.linalg.solve(covariance, rest.T).T).sum(axis=1)
    # 2. The normalising factor, in logarithms.
    log_volume = len(mean) * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
    return -0.5 * (far + log_volume)
