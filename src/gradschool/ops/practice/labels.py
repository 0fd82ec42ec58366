"""Labels that the nearest neighbours contradict.

Sources: Wilson 1972 (edited nearest neighbours); Northcutt et al. 2021, Confident Learning.
"""

import math

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.switch import op

AGREE = 0.8  # share of the neighbours that have to agree before they may contradict a label


@op
def contradicted(
    x: Float[Tensor, "n d"], y: Int64[Tensor, " n"], k: int = 8
) -> tuple[Float[Tensor, ""], Bool[Tensor, " n"]]:
    """Examples whose label differs from the one that nearly all their nearest neighbours have.

    Args:
        x: features, one row an example.
        y: labels, 0 and up.
        k: neighbours of each example, without itself; fewer than n.

    Returns:
        The share of examples whose neighbours agree (at least four in five of them), and for every example
        whether they agree on another label than its own.

    Source: Wilson 1972.
    """
    # 1. The nearest neighbours, by squared distance.
    near = squared_distances(x).fill_diagonal_(math.inf).topk(k, largest=False).indices
    # 2. How they vote.
    votes = torch.nn.functional.one_hot(y[near], int(y.max()) + 1).sum(1)
    most, label = votes.max(1)
    # 3. Where nearly all agree, and where they do not have the example's own label.
    agree = most >= AGREE * k
    return agree.float().mean(), agree & (label != y)


def squared_distances(x: Float[Tensor, "n d"]) -> Float[Tensor, "n n"]:
    """Squared Euclidean distances of all pairs of rows."""
    x = x - x.mean(0)
    sizes = x.square().sum(1)
    return sizes[:, None] + sizes[None] - 2 * x @ x.T
