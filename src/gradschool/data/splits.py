"""Split a data set at random, from a seed, with the same share of every class, before anything is
duplicated.
"""

import math
import warnings
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor

from gradschool.errors import UserError


@runtime_checkable
class Labelled(Protocol):
    """Examples that each have a class."""

    @property
    def labels(self) -> Int64[Tensor, " n"]:
        """The class of each."""
        ...

    def take(self, index: Int64[Tensor, " k"]) -> Any:
        """The examples at `index`."""
        ...


L = TypeVar("L", bound=Labelled)


def stratified(
    labels: Int64[Tensor, " n"], share: float, seed: int
) -> tuple[Int64[Tensor, " kept"], Int64[Tensor, " held"]]:
    """Hold out the same share of every class.

    Args:
        labels: the class of each example, (n,), in any order.
        share: fraction to hold out, 0 <= share < 1. If it is above 0, a class with two or more examples gives
            at least one and keeps at least one.
        seed: of the random choice; the same seed gives the same split.

    Returns:
        The indices that are kept, then those that are held out, each in ascending order. Every index from 0
        to n - 1 is in exactly one of the two.

    Raises:
        UserError: share is not between 0 and 1.
    """
    if not 0 <= share < 1:
        raise UserError(
            f"the share held out is {share}", "a number from 0 to below 1", "Example: --set val=0.1"
        )
    generator = torch.Generator().manual_seed(seed)
    # 1. The indices of each class, and how many of them to hold out.
    places = [(labels == label).nonzero().flatten() for label in torch.unique(labels).tolist()]
    counts = quotas([len(p) for p in places], share)
    # 2. Shuffle within each class with the generator. Hold out the first ones and keep the others.
    kept, held = [], []
    for mine, count in zip(places, counts, strict=True):
        mine = mine[torch.randperm(len(mine), generator=generator)]
        held.append(mine[:count])
        kept.append(mine[count:])
    # 3. Sort both parts in ascending order, so that the classes are mixed as they were.
    return torch.cat(kept).sort().values, torch.cat(held).sort().values


def quotas(sizes: list[int], share: float) -> list[int]:
    """How many of each class to hold out, so that together they are `share` of all, rounded up.

    What is left over after rounding down goes to the largest remainders.
    """
    exact = [share * size for size in sizes]
    counts = [int(x) for x in exact]
    left = math.ceil(sum(exact) - 1e-9) - sum(counts)
    order = sorted(range(len(sizes)), key=lambda i: (counts[i] - exact[i], i))
    for i in order[:left]:
        counts[i] += 1
    limits = [(1, size - 1) if size > 1 and share > 0 else (0, 0) for size in sizes]
    return [min(max(count, low), high) for count, (low, high) in zip(counts, limits, strict=True)]


def cut(examples: L, share: float, seed: int) -> tuple[L, L | None]:
    """Two parts of labelled examples; the second is None when nothing is held out."""
    if share == 0:
        return examples, None
    kept, held = stratified(examples.labels, share, seed)
    return (examples, None) if not len(held) else (examples.take(kept), examples.take(held))


def by_group(
    labels: Int64[Tensor, " n"], groups: Int64[Tensor, " n"], share: float, seed: int
) -> tuple[Int64[Tensor, " kept"], Int64[Tensor, " held"]]:
    """Hold out whole groups, about this share of all examples and of every class.

    Args:
        labels: the class of each example.
        groups: a number for each; those of one group go together.
        share: to hold out, above 0, below 1.
        seed: of the choice.

    Returns:
        The indices that are kept and those that are held out, each in ascending order.

    Raises:
        UserError: there is one group only, of which nothing would be left.
    """
    count = len(torch.unique(groups))
    if count < 2:
        raise UserError("all examples are of one group", "two groups or more, to hold one out", "")
    # 1. Folds of about this size; classes of one example each cannot be dealt out evenly.
    inverse, most = min(share, 1 - share), int(labels.bincount().max())
    y = labels.numpy() if most > 1 else np.zeros(len(labels), int)
    number = min(count, max(2, round(1 / inverse)), max(2, most) if most > 1 else len(y))
    deal = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # rare classes are no news
        cuts = [pair for pair in deal.split(y, y, groups.numpy()) if len(pair[0]) and len(pair[1])]
    # 2. The one that comes nearest; where a large share is held out, all others.
    rest, part = min(cuts, key=lambda pair: abs(len(pair[1]) / len(y) - inverse))
    kept, held = (rest, part) if share <= 0.5 else (part, rest)
    return torch.from_numpy(kept), torch.from_numpy(held)
