"""Bandits: which arm to pull, when a pull is the only way to learn what it pays.

Sources: Auer et al. 2002 (UCB1); Thompson 1933; Sutton and Barto 2018, chapter 2. Epsilon-greedy is in
`ops.control`.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Arms = Float[Tensor, "*b a"]


@op
def ucb_scores(total: Arms, pulls: Arms, width: float = 2.0) -> Arms:
    """UCB1: the mean of each arm, plus a bonus for arms that were rarely pulled.

    Args:
        total: sum of the rewards of each arm, each reward 0 to 1.
        pulls: how often each was pulled.
        width: factor inside the root, >= 0; 2 in the paper.

    Returns:
        The score of each arm; infinite for arms that were never pulled.

    Source: Auer et al. 2002, figure 1.
    """
    # 1. An arm that was never pulled goes first.
    times = pulls.clamp(min=1)
    # 2. The bonus grows slowly with all pulls, and shrinks with the arm's own.
    bonus = torch.sqrt(width * torch.log(pulls.sum(-1, keepdim=True).clamp(min=1)) / times)
    return torch.where(pulls > 0, total / times + bonus, torch.inf)


@op
def thompson_draw(won: Arms, lost: Arms, generator: torch.Generator | None = None) -> Arms:
    """Thompson sampling for rewards 0 or 1: a guess of each arm's mean, drawn from its posterior.

    The prior is uniform, so the posterior is Beta(1 + won, 1 + lost).

    Args:
        won: how often each arm paid 1.
        lost: how often it paid 0.
        generator: of the draws; None: torch's own.

    Source: Thompson 1933; Russo et al. 2018, section 3.
    """
    # 1. Two gamma-distributed numbers, one for each outcome.
    first, second = (torch._standard_gamma(1 + n, generator=generator) for n in (won, lost))
    # 2. The share of the first one has a beta distribution.
    return first / (first + second)
