"""What the vote of neighbours refuses; see gradschool.ops.practice.neighbours."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, shaped
from gradschool.ops.accepts.practice.contrastive import some_numbers
from gradschool.ops.accepts.practice.masking import positive


def nearest(queries: Tensor, bank: Tensor, k: int) -> None:
    """Vectors of as many numbers, and one or more to choose from."""
    floating(queries=queries, bank=bank)
    axes("queries", queries, "(vectors, numbers)", 2, 2)
    axes("bank", bank, "(vectors, numbers)", 2, 2)
    some_numbers("bank", bank)
    if queries.shape[1] != bank.shape[1] or not len(bank):
        raise ValueError(
            f"shapes are {tuple(queries.shape)} and {tuple(bank.shape)}, as many numbers a vector "
            "and one vector or more in the bank were wanted"
        )
    positive("k", k)


def neighbour_vote(
    queries: Tensor, bank: Tensor, labels: Tensor, k: int = 20, temperature: float = 0.07
) -> None:
    """A class for every vector of the bank, besides."""
    nearest(queries, bank, k)
    shaped("labels", labels, bank.shape[:1])
    if labels.dtype != torch.int64:
        raise ValueError(f"labels are of type {labels.dtype}, int64 was wanted: .long() makes them so")
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}, a number > 0 was wanted")
