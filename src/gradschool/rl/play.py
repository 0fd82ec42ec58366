"""Play episodes of a tabular policy, many worlds side by side."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.rl.gridworld import Gridworld


@dataclass(frozen=True)
class Played:
    """n episodes of at most t steps; after the end of an episode its state stays and its rewards are 0.

    Args:
        states: from the first to the last.
        actions: the direction that was meant in each step.
        rewards: of each step.
        lengths: steps until the end of each episode.
        terminated: it ended at a goal, not at the time limit.
    """

    states: Int64[Tensor, "t1 n"]
    actions: Int64[Tensor, "t n"]
    rewards: Float[Tensor, "t n"]
    lengths: Int64[Tensor, " n"]
    terminated: Bool[Tensor, " n"]

    def returns(self, gamma: float) -> Float[Tensor, " n"]:
        """The discounted sum of each episode's rewards. Source: Sutton and Barto 2018, eq. 3.8."""
        discount = gamma ** torch.arange(len(self.rewards), device=self.rewards.device)
        return discount @ self.rewards


def play(
    world: Gridworld, policy: Float[Tensor, "s 4"], n: int, limit: int, generator: torch.Generator | None
) -> Played:
    """Play n episodes.

    Args:
        world: in which.
        policy: probability of each action in each state.
        n: how many.
        limit: steps after which an episode is cut off.
        generator: of actions and slips; None: torch's own.
    """
    # 1. From the start, until all have terminated or time is up.
    states: list[Tensor] = [world.begin(n)]
    actions: list[Tensor] = []
    rewards: list[Tensor] = []
    terminated = torch.zeros(n, dtype=torch.bool, device=world.land.device)
    lengths = torch.zeros(n, dtype=torch.int64, device=world.land.device)
    while len(actions) < limit and not terminated.all():
        action = torch.multinomial(policy[states[-1]], 1, generator=generator).squeeze(1)
        state, reward, ends = world.step(states[-1], action, generator)
        lengths += ~terminated
        terminated = terminated | ends
        states.append(state)
        actions.append(action)
        rewards.append(reward)
    # 2. Step by step.
    return Played(torch.stack(states), torch.stack(actions), torch.stack(rewards), lengths, terminated)


def chance(numbers: Int64[Tensor, " n"]) -> torch.Generator:
    """The chance of test episodes, seeded by the first of their numbers: the same for whoever plays them."""
    return torch.Generator(numbers.device).manual_seed(int(numbers[0]))
