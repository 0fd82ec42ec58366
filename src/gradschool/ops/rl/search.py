"""Which move of a game is looked at next: one that did well, or one that has been looked at little.

Sources: Rosin 2011 (PUCT); Silver et al. 2017 (AlphaZero).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Moves = Float[Tensor, "*b a"]


@op
def puct(value: Moves, visits: Moves, prior: Moves, explore: float) -> Moves:
    """The score of each move in a tree search: its mean value, and a bonus that falls as it is visited.

    Args:
        value: Q, the mean result of each move so far, for the player to move; 0 where there is none.
        visits: N, how often each was looked at, 0 or more.
        prior: P, the network's probability of each.
        explore: weight of the bonus, above 0.

    Returns:
        Q + explore P sqrt(1 + sum N) / (1 + N). The 1 in the root lets the prior decide the first visit.

    Source: Silver et al. 2017, methods, with the 1 of AlphaZero's published pseudocode.
    """
    # 1. How much all moves together were looked at.
    total = visits.sum(-1, keepdim=True)
    # 2. A bonus for what is probable and was looked at little.
    bonus = explore * prior * torch.sqrt(1 + total) / (1 + visits)
    return value + bonus
