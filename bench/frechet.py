"""The Frechet distance of 2048 features: ours beside SciPy's root of a matrix, as pytorch-fid takes it.

Both are given the same means and covariances, and both are of the same features; the second comparison in
`about` is of 1,000 pictures, fewer than features, where ours needs no covariance at all.
"""

import time
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy import linalg
from torch import Tensor

from bench.common import compare, main
from gradschool.evals.frechet import Moments, fitted, frechet_distance, from_moments

FEATURES, FEW = 2048, 1000


def features(n: int, seed: int, shift: float = 0.0) -> Tensor:
    """Rectified mixtures: non-negative and correlated, as a network's features are."""
    mix = torch.randn(FEATURES, FEATURES, generator=torch.Generator().manual_seed(99))
    mix *= torch.logspace(0, -2, FEATURES)
    return (torch.randn(n, FEATURES, generator=torch.Generator().manual_seed(seed)) @ mix + shift).relu()


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance."""
    moments = Moments(FEATURES)
    moments.add(x)
    return moments.mean, moments.covariance


def ours(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """By factors."""
    return frechet_distance(from_moments(*a), from_moments(*b))


def usual(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """By SciPy's square root, the formula of pytorch-fid's calculate_frechet_distance."""
    (mean_a, a_), (mean_b, b_) = ((mean.numpy(), c.numpy()) for mean, c in (a, b))
    root = linalg.sqrtm(a_ @ b_)
    apart = mean_a - mean_b
    return float(apart @ apart + np.trace(a_) + np.trace(b_) - 2 * np.trace(np.real(root)))


def run(repeats: int = 5) -> dict[str, Any]:
    """Seconds of each for the same two covariances."""
    x, y = features(3 * FEATURES, 0), features(3 * FEATURES, 1, 0.1)
    a, b = statistics(x), statistics(y)
    values = ours(a, b), usual(a, b)
    # Few pictures: from the features themselves, and by the usual way from their covariances.
    few, other = x[:FEW], y[:FEW]
    start = time.perf_counter()
    short = frechet_distance(fitted(few), fitted(other))
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    long = usual(statistics(few), statistics(other))
    about = {
        "features": FEATURES,
        "difference": abs(values[0] - values[1]) / values[1],
        "few": {
            "pictures": FEW, "ours_s": seconds, "usual_s": time.perf_counter() - start,
            "difference": abs(short - long) / long,
        },
    }  # fmt: skip
    return compare("frechet", "s", partial(ours, a, b), {"scipy sqrtm": partial(usual, a, b)}, repeats, about)


if __name__ == "__main__":
    main(run)
