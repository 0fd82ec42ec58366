"""Is one classifier better than another on the same examples? The paired bootstrap of their difference.

Source: Efron and Tibshirani 1993, chapter 13 (percentile intervals). Both are asked about the same examples,
so that examples are drawn again, each with both answers: what is hard for both cancels.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.stats import bootstrap
from torch import Tensor

DRAWS = 2000


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
    gaps = (ours.double() - theirs.double()).numpy()
    if len(gaps) < 2 or (gaps == gaps[0]).all():
        return Difference(float(gaps.mean()), float(gaps.mean()), float(gaps.mean()))
    at_once = max(1, 2**22 // len(gaps))
    found = bootstrap(
        (gaps,), np.mean, n_resamples=DRAWS, batch=at_once, method="percentile", vectorized=True,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    low, high = found.confidence_interval
    return Difference(float(gaps.mean()), float(low), float(high))


def errors(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """1 for each example that is wrong, else 0."""
    return (logits.argmax(1) != labels).double()


def losses(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """-log p(true class) of each example, in nats."""
    return -logits.double().log_softmax(1)[torch.arange(len(labels)), labels]
