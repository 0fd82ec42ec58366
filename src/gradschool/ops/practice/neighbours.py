"""What a representation knows of classes without being trained on them: the labels of the nearest neighbours.

Source: Wu et al. 2018, section 3.4 (weighted k-nearest neighbours).
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.practice.contrastive import directions
from gradschool.ops.switch import op


@op
def nearest(
    queries: Float[Tensor, "m d"], bank: Float[Tensor, "n d"], k: int
) -> tuple[Float[Tensor, "m k"], Int64[Tensor, "m k"]]:
    """The k vectors of a bank with the largest cosine to each query, the nearest first.

    Args:
        queries: vectors of any length.
        bank: n >= 1 vectors.
        k: how many, >= 1; all n where there are fewer.

    Returns:
        Their cosines, and their places in the bank.
    """
    cosines = directions(queries) @ directions(bank).T
    found = cosines.topk(min(k, bank.shape[0]), dim=1)
    return found.values, found.indices


@op
def neighbour_vote(
    queries: Float[Tensor, "m d"], bank: Float[Tensor, "n d"], labels: Int64[Tensor, " n"],
    k: int = 20, temperature: float = 0.07,
) -> Int64[Tensor, " m"]:  # fmt: skip
    """The class of each query by a vote of its k nearest neighbours, each with weight exp(cos / tau).

    Args:
        queries: vectors.
        bank: n >= 1 vectors whose classes are known.
        labels: these classes, from 0.
        k: neighbours, >= 1.
        temperature: tau > 0; the smaller, the more the nearest count.

    Returns:
        The class with the largest sum of weights.

    Source: Wu et al. 2018, section 3.4.
    """
    # 1. Weights; the same factor for all neighbours of a query changes no vote and keeps exp small.
    cosines, places = nearest(queries, bank, k)
    weights = torch.exp((cosines - cosines[:, :1]) / temperature)
    # 2. Their sum for each class.
    votes = weights.new_zeros(len(weights), int(labels.max()) + 1)
    return votes.scatter_add(1, labels[places], weights).argmax(1)
