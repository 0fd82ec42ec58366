"""Why a fit fails on new points: bias and variance, fits with more numbers than points, and when to stop.

Sources: Geman, Bienenstock and Doursat 1992 (bias and variance); Belkin et al. 2019 (double descent);
Prechelt 1998 (early stopping).
"""

from collections.abc import Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def polynomial(x: Array, degree: int) -> Array:
    """Legendre polynomials of degree 0 to `degree` at x (n,), each from -1 to 1; (n, degree + 1).

    They span what 1, x, x^2, ... span, but are not nearly parallel to each other.
    """
    # 1. Every degree is one column.
    columns: Array = np.polynomial.legendre.legvander(x, degree)
    return columns


def random_features(x: Array, count: int, rng: np.random.Generator) -> Array:
    """Hidden layer of rectified units that is drawn and never trained; source: Rahimi and Recht 2007.

    Args:
        x: (n, d).
        count: units.
        rng: draws weights and biases, all of variance 1.

    Returns:
        (n, count).
    """
    # 1. Normal weights and biases.
    weight, bias = rng.normal(size=(x.shape[1], count)), rng.normal(size=count)
    # 2. Rectify; divided by sqrt(count), so that sums over units do not grow with their number.
    features: Array = np.maximum(x @ weight + bias, 0) / np.sqrt(count)
    return features


def least_norm(features: Array, y: Array, cut: float = 1e-10) -> Array:
    """The weights of least squared error, and of all these the shortest.

    Args:
        features: A, (n, p). With p > n usually many weights have no error at all.
        y: targets, (n,).
        cut: singular values below this share of the largest count as 0.

    Returns:
        w, (p,): gradient descent on the squared error from w = 0 ends there, too.
    """
    # 1. A = U S V^T: rows of V^T are directions of weights, columns of U what they do to the points.
    u, s, vt = np.linalg.svd(features, full_matrices=False)
    # 2. Only directions that do anything.
    seen = s > cut * s[0]
    # 3. How much of each direction the targets ask for.
    share = (u.T @ y)[seen] / s[seen]
    # 4. Put together.
    w: Array = vt[seen].T @ share
    return w


def bias_variance(predictions: Array, truth: Array) -> tuple[float, float]:
    """Split the error of fits on many training sets into what they share and how much they differ.

    Args:
        predictions: (sets, points), of the fit on each training set at the same points.
        truth: what is right there, without noise, (points,).

    Returns:
        Squared bias and variance, both means over points; their sum is the mean squared error.
    """
    # 1. What the fits say on average.
    middle = predictions.mean(axis=0)
    # 2. How far that is from the truth.
    bias = ((middle - truth) ** 2).mean()
    # 3. How far each fit is from what they say on average.
    variance = ((predictions - middle) ** 2).mean()
    return float(bias), float(variance)


def early_stopping(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """When to stop a training and which weights to keep, from its validation losses.

    Args:
        losses: after each epoch, 1 or more; those after the stop are not looked at.
        patience: epochs without a new lowest loss that end the training, >= 1.

    Returns:
        The last epoch that is run, and the one whose weights are kept, counted from 0. The last epoch of all
        if patience is never spent.
    """
    best = 0
    for epoch, loss in enumerate(losses):
        # 1. Lower than ever: these weights are kept. Equal is no progress.
        if loss < losses[best]:
            best = epoch
        # 2. Patience is spent.
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best
