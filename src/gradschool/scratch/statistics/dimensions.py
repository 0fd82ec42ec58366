"""The curse of dimensionality in numbers: where the volume lies, and how distances become alike.

Sources: Bellman 1961 (the name); Beyer, Goldstein, Ramakrishnan and Shaft 1999 (nearest neighbours).
"""

from math import exp, lgamma, log, pi

import numpy as np

from gradschool.scratch.arrays import Array


def ball_share(d: int) -> float:
    """Share of a cube's volume that is in the ball inside it: pi^(d/2) / (2^d Gamma(d/2 + 1)).

    Args:
        d: dimensions, >= 1: 1, then pi/4 of a square, pi/6 of a cube ...
    """
    # 1. In logarithms: the gamma function of large numbers overflows.
    log_share = d / 2 * log(pi) - d * log(2) - lgamma(d / 2 + 1)
    return exp(log_share)


def shell_share(d: int, edge: float) -> float:
    """Share of a ball's (or a cube's) volume that lies in the outermost part `edge` of its radius, 0 to 1.

    A ball with radius 1 - edge has (1 - edge)^d of the volume.
    """
    return 1 - (1 - edge) ** d


def distances(x: Array, queries: Array) -> Array:
    """Euclidean distances of every query from every point.

    Args:
        x: points, (n, d).
        queries: (m, d).

    Returns:
        (m, n).
    """
    # 1. |a - b|^2 = |a|^2 - 2 a.b + |b|^2: one matrix product for all pairs.
    squares = (queries**2).sum(axis=1)[:, None] - 2 * queries @ x.T + (x**2).sum(axis=1)
    # 2. Rounding may leave a tiny negative number.
    return np.sqrt(np.maximum(squares, 0))


def contrast(x: Array, queries: Array) -> float:
    """By how much the farthest point is farther than the nearest, relative to the nearest; median of queries.

    Source: Beyer et al. 1999, section 3.
    """
    # 1. Distances.
    far = distances(x, queries)
    # 2. (largest - smallest) / smallest of every query.
    return float(np.median(far.max(axis=1) / far.min(axis=1) - 1))


def nearest(x: Array, queries: Array) -> Array:
    """Index of the point nearest to each query, (m,)."""
    far = distances(x, queries)
    return far.argmin(axis=1)
