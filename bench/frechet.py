"""The Frechet distance of 2048 features: ours beside pytorch-fid (a root of a matrix) and torch-fidelity.

Both are given the same means and covariances, and both are of the same features; the second comparison in
`about` is of 1,000 pictures, fewer than features, where ours needs no covariance at all.
"""

import time
from functools import partial
from typing import Any

import torch
from pytorch_fid.fid_score import calculate_frechet_distance
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

from bench.common import compare, main
from gradschool.evals.generation.frechet import Moments, fitted, frechet_distance, from_moments

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
    """By SciPy's square root."""
    (mean_a, cov_a), (mean_b, cov_b) = ((mean.numpy(), c.numpy()) for mean, c in (a, b))
    return float(calculate_frechet_distance(mean_a, cov_a, mean_b, cov_b))


def other(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """By NumPy's eigenvalues."""
    told = [{"mu": mean.numpy(), "sigma": covariance.numpy()} for mean, covariance in (a, b)]
    return float(fid_statistics_to_metric(*told, verbose=False)[KEY_METRIC_FID])


def run(repeats: int = 5) -> dict[str, Any]:
    """Seconds of each for the same two covariances."""
    x, y = features(3 * FEATURES, 0), features(3 * FEATURES, 1, 0.1)
    a, b = statistics(x), statistics(y)
    values = ours(a, b), other(a, b)
    # Few pictures: from the features themselves, and by the usual way from their covariances.
    few, others = x[:FEW], y[:FEW]
    start = time.perf_counter()
    short = frechet_distance(fitted(few), fitted(others))
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    long = usual(statistics(few), statistics(others))
    about = {
        "features": FEATURES,
        "difference_from_torch_fidelity": abs(values[0] - values[1]) / values[1],
        "few": {
            "pictures": FEW, "ours_s": seconds, "usual_s": time.perf_counter() - start,
            "difference": abs(short - long) / long,
        },
    }  # fmt: skip
    return compare(
        "frechet", "s", partial(ours, a, b),
        {"pytorch-fid": partial(usual, a, b), "torch-fidelity": partial(other, a, b)}, repeats, about,
    )  # fmt: skip


if __name__ == "__main__":
    main(run)
