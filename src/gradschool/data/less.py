"""A share of the training part, class by class: what would have been learnt from fewer examples."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.rows import seeded
from gradschool.data.splits import Labelled
from gradschool.errors import UserError


def chosen(labels: Int64[Tensor, " n"], share: float, seed: int) -> Int64[Tensor, " k"]:
    """The examples that stay, in their order: this share of each class, one at least.

    Args:
        labels: the class of each example.
        share: above 0, at most 1; what a smaller share keeps, a larger one keeps as well.
        seed: of the choice.
    """
    order = torch.randperm(len(labels), generator=seeded(seed, "share"))
    kept = []
    for label in torch.unique(labels).tolist():
        members = order[labels[order] == label]
        kept.append(members[: max(1, round(share * len(members)))])
    return torch.cat(kept).sort().values


def with_less(splits: Splits[Any], share: float, seed: int) -> Splits[Any]:
    """The same parts with a share of the training part.

    Raises:
        UserError: the examples have no classes.
    """
    if not isinstance(splits.train, Labelled):
        raise UserError(f"{splits.name} has no classes", "examples with a class each, for a share of them")
    index = chosen(splits.train.labels, share, seed)
    return replace(splits, train=splits.train.take(index))
