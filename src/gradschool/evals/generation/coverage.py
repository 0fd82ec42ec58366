"""Which classes a generator makes, counted by a frozen classifier: missing modes are counts of zero.

Source: modes are counted by a classifier in Srivastava et al. 2017 (VEEGAN), section 4. Here a class counts
as covered when sure pictures of it are a tenth of its share of the training pictures.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

SURE = 0.9  # least probability of an answer that counts
LEAST = 0.1  # a class is covered with at least this part of its share


@dataclass(frozen=True)
class Coverage:
    """What a classifier found in n generated images; one is sure if its best class has probability >= SURE.

    Args:
        n: number of images.
        counts: sure images of each class.
        sure: share of sure images, 0 to 1.
        covered: number of classes with at least LEAST * share * n sure images, and at least one.
        divergence: KL in nats from the classes of sure images to those of the training images; 0 is best,
            infinite without a sure image.
        obeyed: share of images whose best class is the one they were asked for; None where none was.
    """

    n: int
    counts: tuple[int, ...]
    sure: float
    covered: int
    divergence: float
    obeyed: float | None = None

    @property
    def missing(self) -> list[int]:
        """Classes without a sure image."""
        return [number for number, count in enumerate(self.counts) if not count]


def coverage(
    probabilities: Float[Tensor, "n k"],
    shares: Float[Tensor, " k"],
    asked: Int64[Tensor, " n"] | None = None,
) -> Coverage:
    """Count the classes of generated images; see `Coverage` for each number.

    Args:
        probabilities: of k classes for n >= 1 generated images, (n, k), from the classifier.
        shares: of each class among the training images, (k,), 0 or more; they sum to 1.
        asked: the class that each image should have, (n,), for conditional generators.
    """
    n, k = probabilities.shape
    best, found = probabilities.max(1)
    # 1. Only sure images count: a blurred image has no class.
    counts = found[best >= SURE].bincount(minlength=k)
    covered = int(((counts >= LEAST * shares * n) & (counts > 0)).sum())
    # 2. The KL divergence from the shares of generated classes to those of the training images.
    made = counts / counts.sum()
    divergence = float((torch.xlogy(made, made) - torch.xlogy(made, shares)).sum())
    obeyed = None if asked is None else float((found == asked).float().mean())
    sure = float((best >= SURE).float().mean())
    told = divergence if counts.sum() else torch.inf
    return Coverage(n, tuple(counts.tolist()), sure, covered, told, obeyed)


def shares_of(labels: Int64[Tensor, " n"], classes: int) -> Float[Tensor, " k"]:
    """Share of each class among labels."""
    return labels.bincount(minlength=classes) / len(labels)
