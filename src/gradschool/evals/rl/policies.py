"""How good a policy is: what it earns on test episodes, and what it earns on average, which is known exactly.

A learnt policy stands between two others: the optimal one and the one that acts at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.rl.exact import policy_value
from gradschool.rl.gridworld import Gridworld
from gradschool.rl.play import chance, play

SAME = 1e-6  # relative: values that differ by less are equal, for float32 carries 7 digits


@dataclass(frozen=True)
class Score:
    """What a policy reaches from the start, within a time limit.

    Args:
        expected: its expected return; exact.
        mean_return: of test episodes.
        goal: share of them that reach a goal.
        length: their mean number of steps.
    """

    expected: float
    mean_return: float
    goal: float
    length: float


def score(
    world: Gridworld, policy: Float[Tensor, "s 4"], gamma: float, limit: int, numbers: Int64[Tensor, " n"]
) -> Score:
    """Score a policy.

    Args:
        world: in which to play.
        policy: probability of each action in each state.
        gamma: discount, 0 to 1.
        limit: steps after which an episode is cut off.
        numbers: of the test episodes.
    """
    played = play(world, policy, len(numbers), limit, chance(numbers))
    means = (played.returns(gamma), played.terminated.float(), played.lengths.float())
    return Score(policy_value(world, policy, gamma, limit), *(each.mean().item() for each in means))


def largest_error(
    q: Float[Tensor, "s 4"], exact: Float[Tensor, "s 4"], visits: Int64[Tensor, "s 4"]
) -> float:
    """The largest distance between learnt and exact values of those that were updated at least once."""
    return (q.double() - exact)[visits > 0].abs().max().item()


def best_actions(q: Float[Tensor, "s 4"]) -> Bool[Tensor, "s 4"]:
    """Which actions are as good as the best of their state."""
    best = q.amax(1, keepdim=True)
    return q >= best - SAME * best.abs()


def verdict(scores: Mapping[str, Score]) -> str:
    """In a sentence, where a learnt policy stands between the optimal one and the random one.

    Args:
        scores: of the policies "learnt", "optimal" and "random".
    """
    learnt, optimal, random = (scores[name].expected for name in ("learnt", "optimal", "random"))
    shown = f"expected return {learnt:,.4g}, optimal {optimal:,.4g}, random {random:,.4g}"
    if learnt >= optimal - SAME * abs(optimal):
        return f"The learnt policy is optimal ({shown})."
    if learnt > random + SAME * abs(random):
        return f"The learnt policy is better than the random one but not optimal ({shown})."
    return f"The learnt policy is no better than the random one ({shown})."
