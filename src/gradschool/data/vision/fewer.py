"""A training part of which only a share is labelled: the question how much a representation is worth."""

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images


def labelled(labels: Int64[Tensor, " n"], share: float, seed: int) -> Int64[Tensor, " k"]:
    """Which examples keep their label: the same share of every class, at least one of each.

    A smaller share of the same seed is a part of a larger one, so that two shares can be compared.

    Args:
        labels: the class of each example.
        share: above 0, up to 1; rounded for every class.
        seed: of the choice.

    Returns:
        Their places, ascending.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = []
    for label in torch.unique(labels).tolist():
        places = (labels == label).nonzero().flatten()
        order = torch.randperm(len(places), generator=generator)
        kept.append(places[order[: max(1, round(share * len(places)))]])
    return torch.cat(kept).sort().values


def with_labels(splits: Splits[Images], share: float, seed: int) -> Splits[Images]:
    """The same parts, but for a training part of labelled pictures alone, and a sentence about it."""
    if share >= 1:
        return splits
    from_all = len(splits.train)
    train = splits.train.take(labelled(splits.train.labels, share, seed))
    note = f"labels={share:g}: {len(train):,} of {from_all:,} training pictures are labelled and trained on."
    return Splits(splits.name, train, splits.val, splits.test, splits.skipped, (*splits.notes, note))
