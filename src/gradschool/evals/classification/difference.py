"""Is one classifier better than another on the same examples? The paired bootstrap of their difference.

Source: Efron and Tibshirani 1993, chapter 13 (percentile intervals). Both are asked about the same examples,
so that examples are drawn again, each with both answers: what is hard for both cancels.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.practice.interval import paired_interval

DRAWS = 2000
AT_ONCE = 2**22  # numbers that are drawn at once


@dataclass(frozen=True)
class Difference:
    """A difference of two means with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether the whole interval lies below 0, for numbers of which less is better."""
        return self.high < 0

    @property
    def is_worse(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low > 0

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def paired(ours: Float[Tensor, " n"], theirs: Float[Tensor, " n"], seed: int = 0) -> Difference:
    """The mean of ours - theirs over examples, with a bootstrap interval.

    Args:
        ours: a number for each of n examples, such as its loss.
        theirs: the same of the other.
        seed: of the draws.
    """
    gaps = ours.double() - theirs.double()
    if len(gaps) < 2 or bool((gaps == gaps[0]).all()):
        return Difference(float(gaps.mean()), float(gaps.mean()), float(gaps.mean()))
    found = paired_interval(ours.double(), theirs.double(), resamples(len(gaps), seed))
    return Difference(*map(float, found))


def resamples(n: int, seed: int) -> Iterator[Int64[Tensor, "b n"]]:
    """The places of n examples, drawn with replacement, in batches of rows."""
    draw, rows = np.random.default_rng(seed), max(1, AT_ONCE // n)
    for start in range(0, DRAWS, rows):
        yield torch.from_numpy(draw.integers(0, n, (min(rows, DRAWS - start), n)))


def errors(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """1 for each example that is wrong, else 0."""
    return (logits.argmax(1) != labels).double()


def losses(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """-log p(true class) of each example, in nats."""
    return -logits.double().log_softmax(1)[torch.arange(len(labels)), labels]
