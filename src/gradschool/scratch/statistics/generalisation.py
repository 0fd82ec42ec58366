"""Why a fit fails on new points: bias and variance, more parameters than points, and early stopping.

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
    """ReLU hidden layer with random weights that are never trained; source: Rahimi and Recht 2007.

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
    """Minimum-norm least squares: of all weights w with the least |A w - y|^2, the shortest.

    Args:
        features: A, one row a point, (n, p). With p > n usually many weights have no error at all.
        y: targets, (n,).
        cut: singular values up to this share of the largest one count as 0.

    Returns:
        w, (p,). Gradient descent on the squared error from w = 0 converges to the same weights.
    """
    # 1. A = U S V^T: rows of V^T are directions of weights, columns of U their effect on the points.
    u, s, vt = np.linalg.svd(features, full_matrices=False)
    # 2. Leave out directions whose singular value counts as 0.
    seen = s > cut * s[0]
    # 3. The coefficient of each direction: (U^T y)_i / s_i.
    share = (u.T @ y)[seen] / s[seen]
    # 4. Sum the directions.
    w: Array = vt[seen].T @ share
    return w


def bias_variance(predictions: Array, truth: Array) -> tuple[float, float]:
    """Squared bias and variance of fits to many training sets.

    Args:
        predictions: (sets, points), each row the predictions of one fit at the same points.
        truth: the true values there, without noise, (points,).

    Returns:
        Squared bias and variance, both means over points; their sum is the mean squared error of the fits.
    """
    # 1. The mean fit at each point.
    middle = predictions.mean(axis=0)
    # 2. Its squared distance from the truth.
    bias = ((middle - truth) ** 2).mean()
    # 3. The mean squared distance of each fit from the mean fit.
    variance = ((predictions - middle) ** 2).mean()
    return float(bias), float(variance)


def early_stopping(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Early stopping: when training ends, and which epoch's weights are kept.

    Args:
        losses: validation loss after each epoch, 1 or more. Losses after the stop have no influence.
        patience: training ends after this many epochs in a row without a new lowest loss, >= 1.

    Returns:
        The last epoch that is run, and the epoch whose weights are kept, both counted from 0. If training is
        never stopped, the first is the last epoch of all.
    """
    best = 0
    for epoch, loss in enumerate(losses):
        # 1. A new lowest loss: keep these weights. An equal loss is no improvement.
        if loss < losses[best]:
            best = epoch
        # 2. `patience` epochs without improvement: stop.
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best
