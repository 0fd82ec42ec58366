"""Which classes a generator makes, counted by a frozen classifier: modes that are missing show as zeros.

Source: modes are counted by a classifier in Srivastava et al. 2017 (VEEGAN), section 4. Here a class counts
as covered when sure pictures of it are a tenth of its share of the training pictures.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

SURE = 0.9  # probability from which an answer counts
LEAST = 0.1  # share of a class's own share from which it counts as covered


@dataclass(frozen=True)
class Coverage:
    """What a classifier saw in n generated pictures.

    Args:
        n: pictures looked at.
        counts: sure answers of each class.
        sure: share of the pictures that are surely of some class, 0 to 1.
        covered: how many classes are made at all.
        divergence: KL in nats of the classes of sure pictures from those of the training pictures; 0 is best,
            infinite without a sure picture.
        obeyed: share of pictures that are of the class they were asked for; None where none was.
    """

    n: int
    counts: tuple[int, ...]
    sure: float
    covered: int
    divergence: float
    obeyed: float | None = None

    @property
    def missing(self) -> list[int]:
        """Classes of which there is no sure picture."""
        return [number for number, count in enumerate(self.counts) if not count]


def coverage(
    probabilities: Float[Tensor, "n k"],
    shares: Float[Tensor, " k"],
    asked: Int64[Tensor, " n"] | None = None,
) -> Coverage:
    """Count classes.

    Args:
        probabilities: the classifier's, of n >= 1 generated pictures.
        shares: of each class among the training pictures; they sum to 1.
        asked: the class that each picture should have, for conditional generators.
    """
    n, k = probabilities.shape
    best, found = probabilities.max(1)
    # 1. Only sure answers count: a blur is of no class.
    counts = found[best >= SURE].bincount(minlength=k)
    covered = int(((counts >= LEAST * shares * n) & (counts > 0)).sum())
    # 2. How far the classes that are made lie from those that were to be learned.
    made = counts / counts.sum() if counts.sum() else torch.full((k,), torch.nan)
    divergence = float((torch.xlogy(made, made) - torch.xlogy(made, shares)).sum())
    obeyed = None if asked is None else float((found == asked).float().mean())
    sure = float((best >= SURE).float().mean())
    told = divergence if counts.sum() else torch.inf
    return Coverage(n, tuple(counts.tolist()), sure, covered, told, obeyed)


def shares_of(labels: Int64[Tensor, " n"], classes: int) -> Float[Tensor, " k"]:
    """Share of each class among labels."""
    return labels.bincount(minlength=classes) / len(labels)
