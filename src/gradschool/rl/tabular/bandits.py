"""Bandits: many copies of one experiment side by side, and the regret of three ways to choose an arm.

Sources: Sutton and Barto 2018, chapter 2; Auer et al. 2002 (UCB1); Thompson 1933; Lai and Robbins 1985 (the
lower bound of the regret).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.control import epsilon_greedy
from gradschool.ops.rl.bandit import thompson_draw, ucb_scores

Arms = Float[Tensor, "n a"]
# From rewards and pulls of each arm to the arms that are pulled next.
Chooser = Callable[[Arms, Arms, torch.Generator], Int64[Tensor, " n"]]


def by_epsilon(total: Arms, pulls: Arms, generator: torch.Generator, epsilon: float) -> Int64[Tensor, " n"]:
    """Epsilon-greedy on the mean rewards; an arm that was never pulled counts as 1, the most there is."""
    mean = torch.where(pulls > 0, total / pulls.clamp(min=1), 1.0)
    return torch.multinomial(epsilon_greedy(mean, epsilon), 1, generator=generator).squeeze(1)


def by_ucb(total: Arms, pulls: Arms, generator: torch.Generator) -> Int64[Tensor, " n"]:
    """The arm with the largest upper confidence bound."""
    return ucb_scores(total, pulls).argmax(1)


def by_thompson(total: Arms, pulls: Arms, generator: torch.Generator) -> Int64[Tensor, " n"]:
    """The arm whose mean, drawn from its posterior, is largest."""
    return thompson_draw(total, pulls - total, generator).argmax(1)


CHOOSERS: dict[str, Chooser] = {
    "epsilon-greedy": partial(by_epsilon, epsilon=0.1),
    "greedy": partial(by_epsilon, epsilon=0.0),
    "ucb": by_ucb,
    "thompson": by_thompson,
}


@dataclass(frozen=True)
class Pulled:
    """What came of n experiments with t pulls each.

    Args:
        regret: what was lost so far against always pulling the best arm, in expectation, (t, n).
        pulls: how often each arm was pulled, (n, a).
    """

    regret: Float[Tensor, "t n"]
    pulls: Arms


def play(means: Float[Tensor, " a"], choose: Chooser, steps: int, n: int, seed: int) -> Pulled:
    """Pull arms that pay 1 with a probability of their own, and else 0.

    Args:
        means: that probability of each arm, 0 to 1; two arms or more.
        choose: how.
        steps: pulls in each experiment.
        n: how many experiments, side by side.
        seed: of arms and rewards.

    Raises:
        UserError: a mean is no probability, or there is only one arm.
    """
    if len(means) < 2 or not ((means >= 0) & (means <= 1)).all():
        raise UserError(f"the arms pay {means.tolist()}", "two or more means from 0 to 1", "Change them.")
    generator = torch.Generator().manual_seed(seed)
    total, pulls, lost = torch.zeros(n, len(means)), torch.zeros(n, len(means)), []
    rows = torch.arange(n)
    for _ in range(steps):
        # 1. Choose, and see what it pays.
        arm = choose(total, pulls, generator)
        reward = (torch.rand(n, generator=generator) < means[arm]).float()
        # 2. Remember; the regret counts means, so the noise of the rewards is not in it.
        total[rows, arm] += reward
        pulls[rows, arm] += 1
        lost.append(means.max() - means[arm])
    return Pulled(torch.stack(lost).cumsum(0), pulls)


def least_slope(means: Float[Tensor, " a"]) -> float:
    """The slope of the regret over the logarithm of the pulls that no good method gets below.

    Args:
        means: of each arm, between 0 and 1.

    Source: Lai and Robbins 1985, eq. 1.7, with the divergence of two Bernoulli distributions.
    """
    best, slope = float(means.max()), 0.0
    for mean in means.tolist():
        if mean < best:
            divergence = mean * math.log(mean / best) + (1 - mean) * math.log((1 - mean) / (1 - best))
            slope += (best - mean) / divergence
    return slope
