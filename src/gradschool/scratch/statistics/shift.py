"""Covariate shift: the inputs are distributed differently in use, the answer to a given input stays the same.

Training points are weighted by the ratio of densities, p_target / p_source (importance weighting).
Sources: Shimodaira 2000 (the weights); Bickel, Brueckner and Scheffer 2009 (a discriminator finds them).
"""

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.backpropagation.loss import sigmoid


def fit_logistic(x: Array, labels: Array, decay: float = 1.0, steps: int = 100) -> Array:
    """Logistic regression by Newton's method: the least total cross-entropy plus decay |w|^2 / 2, bias free.

    Args:
        x: (n, d).
        labels: (n,), 0 or 1.
        decay: > 0; without it the weights grow without limit where a line separates the labels.
        steps: at most so many.

    Returns:
        (d + 1,), bias first.

    Source: Bishop 2006, section 4.3.3.
    """
    # 1. A column of ones for the bias, which does not decay.
    extended = np.column_stack([np.ones(len(x)), x])
    decays = np.array([0.0] + [decay] * x.shape[1])

    def objective(w: Array) -> float:
        z = extended @ w
        return float((np.logaddexp(0, z) - labels * z).sum() + 0.5 * (decays * w**2).sum())

    w = np.zeros(extended.shape[1])
    for _ in range(steps):
        # 2. Gradient and Hessian at w; Newton's step to the minimum of the quadratic approximation.
        p = sigmoid(extended @ w)
        slope = extended.T @ (p - labels) + decays * w
        curvature = (extended.T * (p * (1 - p))) @ extended + np.diag(decays)
        step = np.linalg.solve(curvature, slope)
        # 3. Take it; halve it as long as the objective rises.
        while objective(w - step) > objective(w) and np.abs(step).max() > 1e-10:
            step = step / 2
        w = w - step
        if np.abs(step).max() < 1e-10:
            break
    return w


def importance_weights(source: Array, target: Array, clip: float = 20.0, decay: float = 1e-3) -> Array:
    """Importance weights p_target(x) / p_source(x) at each source point, from a classifier of both samples.

    `fit_logistic(x, labels, decay)`, with label 0 for the source and 1 for the target, returns the bias w0
    and the weights w. Its odds e^(w0 + w . x) estimate p_target(x) m / (p_source(x) n): both sizes are in
    them.

    Args:
        source: inputs with known answers, (n, d).
        target: inputs without answers, (m, d).
        clip: largest weight, > 0, so that a few points cannot dominate the fit.
        decay: passed on to the classifier, > 0.

    Returns:
        (n,), from 0 to `clip`. Target points with no source point near them cannot be represented.

    Source: Bickel, Brueckner and Scheffer 2009, section 4.
    """
    # 1. Train the classifier: source 0, target 1.
    labels = np.repeat([0.0, 1.0], [len(source), len(target)])
    w = fit_logistic(np.concatenate([source, target]), labels, decay)
    # 2. Logarithm of the ratio of densities at the source points: log-odds, corrected for the sizes.
    log_ratio = w[0] + source @ w[1:] + np.log(len(source) / len(target))
    # 3. The ratio, clipped.
    return np.exp(np.minimum(log_ratio, np.log(clip)))


def effective_size(weights: Array) -> float:
    """How many points with equal weights tell as much as these: (sum w)^2 / sum w^2, from 1 to n.

    Source: Kish 1965, section 11.7.
    """
    # 1. Equal weights give n, a single one that counts gives 1.
    return float(weights.sum() ** 2 / (weights**2).sum())


def fit_weighted(x: Array, y: Array, weights: Array) -> Array:
    """Weighted least squares: the w with the least sum of weight (y - x w)^2.

    Args:
        x: (n, d), a column of ones included if there is to be a bias.
        y, weights: (n,); weights >= 0.

    Returns:
        (d,).
    """
    # 1. A point of weight k counts like k points: multiply its row by the root of k.
    root = np.sqrt(weights)
    # 2. Ordinary least squares on the scaled rows.
    return np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
