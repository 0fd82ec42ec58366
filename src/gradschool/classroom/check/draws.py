"""Whether numbers that a function drew are repeatable, follow their distribution and are independent."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradschool.classroom.check.compare import leaves


def repeats(a: Any, b: Any) -> bool:
    """Whether two results hold the very same numbers."""
    return all(np.array_equal(x, y) for (_, x), (_, y) in zip(leaves(a), leaves(b), strict=True))


def misdrawn(drawn: Any, cdf: Callable[[Any], Any]) -> Iterator[str]:
    """Sentences about numbers that do not follow a distribution, or hang together with their neighbours.

    A right sampler exceeds the bounds once in a million seeds: Kolmogorov's for the largest gap between two
    distribution functions, five standard errors for the correlation of neighbours along each axis.
    """
    x = np.asarray(next(leaves(drawn))[1], dtype=np.float64)
    flat = np.sort(x, axis=None)
    n = flat.size
    values, counts = np.unique(flat, return_counts=True)
    upper = np.cumsum(counts) / n
    gap = np.abs(upper - cdf(values)).max()
    if gap > np.sqrt(np.log(2e6) / (2 * n)):
        yield f"Of {n:,} numbers that were drawn, the distribution is off by {gap:.2f}."
    for axis in range(x.ndim):
        if x.shape[axis] > 1 and x.std() > 0:
            centred = np.moveaxis(x - x.mean(), axis, 0)
            pair = (centred[1:] * centred[:-1]).mean() / x.var()
            if abs(pair) > 5 / np.sqrt(centred[1:].size):
                yield f"Neighbours along axis {axis} have a correlation of {pair:.2f}; 0 was expected."
