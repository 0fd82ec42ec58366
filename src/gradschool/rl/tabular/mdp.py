"""Markov decision processes as arrays, and their exact solutions by value iteration and policy iteration.

Source: Sutton and Barto 2018, sections 3.1, 4.3 and 4.4. Deviation: a row of the transitions may sum to less
than 1; the rest is the probability that the episode ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.rl.planning import bellman_backup, policy_evaluation

TOLERANCE = 1e-12  # relative: float64 carries 16 digits
SWEEPS = 100_000

Q = Float[Tensor, "s a"]
Choice = Int64[Tensor, " s"]


@dataclass(frozen=True)
class MDP:
    """A Markov decision process with s states and a actions, in float64.

    Args:
        p: probability of each next state, (s, a, s); a row sums to 1, or to less where the episode may end.
        r: expected reward, (s, a).

    Raises:
        UserError: the shapes do not fit, or a row of p is no distribution.
    """

    p: Tensor
    r: Tensor

    def __post_init__(self) -> None:
        # 1. One next state for each state.
        if self.p.shape != (*self.r.shape, len(self.r)):
            what = f"transitions have shape {tuple(self.p.shape)} and rewards {tuple(self.r.shape)}"
            raise UserError(what, "(states, actions, states) and (states, actions)", "Make them fit.")
        # 2. Probabilities, in every row.
        total = self.p.sum(2)
        if (self.p < 0).any() or (total > 1 + 1e-9).any() or not self.p.isfinite().all():
            state, action = divmod(int(total.argmax()), self.r.shape[1])
            what = f"the transitions of state {state}, action {action} sum to {total.max().item():g}"
            raise UserError(what, "probabilities that sum to 1 or less", "Divide each row by its sum.")
        # 3. Exact solutions want all the digits there are.
        object.__setattr__(self, "p", self.p.double())
        object.__setattr__(self, "r", self.r.double())


Pair = tuple[float, float]


def two_states(poor: Pair = (1.0, -2.0), rich: Pair = (7.0, 3.0)) -> MDP:
    """Two states and two actions: action 0 leads to the poor state 0, action 1 to the rich state 1.

    Args:
        poor: rewards in state 0 of staying and of moving on.
        rich: rewards in state 1 of going back and of staying.
    """
    p = torch.zeros(2, 2, 2)
    p[:, 0, 0] = p[:, 1, 1] = 1
    return MDP(p, torch.tensor([poor, rich]))


def value_of(mdp: MDP, gamma: float, state: int, action: int | None = None) -> float:
    """One number of the exact solution, for questions.

    Args:
        mdp: which.
        gamma: discount, 0 to below 1.
        state: number of the state.
        action: number of the action; None: the best one.
    """
    q = value_iteration(mdp, gamma)[state]
    return float(q.amax() if action is None else q[action])


def random_mdp(states: int, actions: int, generator: torch.Generator) -> MDP:
    """A process with transitions from a flat Dirichlet distribution and normal rewards, for exercises.

    Args:
        states: how many, 1 or more.
        actions: how many in each state, 1 or more.
        generator: of both.
    """
    weights = -torch.rand(states, actions, states, generator=generator).double().clamp(min=1e-9).log()
    return MDP(weights / weights.sum(2, keepdim=True), torch.randn(states, actions, generator=generator))


def value_iteration(mdp: MDP, gamma: float) -> Q:
    """The action values q* of the best policy, by backups until they settle.

    Args:
        mdp: which.
        gamma: discount, 0 to below 1; 1 where every policy ends.

    Raises:
        UserError: the values do not settle.

    Source: Sutton and Barto 2018, section 4.4.
    """
    q = torch.zeros_like(mdp.r)
    for _ in range(SWEEPS):
        better = bellman_backup(mdp.p, mdp.r, q.amax(1), gamma)
        if (better - q).abs().max() <= TOLERANCE * better.abs().max():
            return better
        q = better
    what = f"value iteration has not settled after {SWEEPS:,} sweeps"
    raise UserError(what, "a discount below 1, or episodes that end", "Make gamma smaller.")


def policy_iteration(mdp: MDP, gamma: float, first: Choice | None = None) -> Iterator[tuple[Choice, Q]]:
    """Policies, each the greedy one for the values of the one before, until none is better.

    Args:
        mdp: which.
        gamma: discount, 0 to below 1; 1 where every policy ends.
        first: the first policy, an action for each state; action 0 everywhere if not given.

    Yields:
        Each policy and its action values; the last is optimal.

    Source: Howard 1960; Sutton and Barto 2018, section 4.3.
    """
    states = torch.arange(len(mdp.r))
    policy = torch.zeros(len(mdp.r), dtype=torch.int64) if first is None else first
    while True:
        # 1. Evaluate.
        value = policy_evaluation(mdp.p, mdp.r, chosen(policy, mdp.r.shape[1]), gamma)
        q = bellman_backup(mdp.p, mdp.r, value, gamma)
        yield policy, q
        # 2. Improve, where something is truly better: ties must not go round in circles.
        gain = q.amax(1) - q[states, policy]
        better = gain > 1e-10 * q.abs().max().clamp(min=1)
        if not better.any():
            return
        policy = torch.where(better, q.argmax(1), policy)


def chosen(policy: Choice, actions: int) -> Q:
    """A policy that always takes one action, as probabilities."""
    return torch.nn.functional.one_hot(policy, actions).double()


def gamma_ranges(mdp: MDP, steps: int = 400, digits: int = 6) -> list[tuple[float, float, tuple[int, ...]]]:
    """From which discount to which each policy is the best one, between 0 and 1.

    A policy that is best in a range narrower than 1 / steps may be missed.

    Args:
        mdp: which.
        steps: discounts that are tried, at equal distances.
        digits: how exactly a border is found.

    Returns:
        (from, to, action of each state), in rising order.
    """

    def best(gamma: float) -> tuple[int, ...]:
        *_, (policy, _) = policy_iteration(mdp, gamma)
        return tuple(policy.tolist())

    # 1. Where neighbours differ, there is a border between them: halve the distance until it is found.
    tried = [(i + 0.5) / steps for i in range(steps)]
    found = [best(gamma) for gamma in tried]
    borders: list[float] = []
    for (low, one), (high, other) in pairwise(zip(tried, found, strict=True)):
        if one == other:
            continue
        while high - low > 10**-digits:
            middle = (low + high) / 2
            low, high = (middle, high) if best(middle) == one else (low, middle)
        borders.append(round((low + high) / 2, digits))
    # 2. A range between each two borders.
    ranges = list(pairwise([0.0, *borders, 1.0]))
    return [(low, high, best((low + high) / 2)) for low, high in ranges]
