"""Logged play: episodes of others to learn from, without acting oneself (offline reinforcement learning).

The players follow a hand-written policy, each with a share of random actions of its own, so that good and bad
episodes are side by side, as in logs of people.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.rl.rules import rule_of
from gradschool.rl.world import discrete, make


@dataclass(frozen=True)
class Logged:
    """Episodes of equal room; what comes after an episode's end is not `valid`.

    Args:
        observation: before each step.
        action: that was taken.
        reward: that it earned; 0 after the end.
        to_go: the sum of rewards from each step to the end of its episode.
        valid: the step is of the episode.
    """

    observation: Float[Tensor, "e t *o"]
    action: Int64[Tensor, "e t"]
    reward: Float[Tensor, "e t"]
    to_go: Float[Tensor, "e t"]
    valid: Bool[Tensor, "e t"]

    @property
    def returns(self) -> Float[Tensor, " e"]:
        """Of every episode."""
        return self.to_go[:, 0]

    @property
    def lengths(self) -> Int64[Tensor, " e"]:
        """Steps of every episode."""
        return self.valid.sum(1)


def logged(env: str, episodes: int, seed: int, mistakes: float) -> Logged:
    """Play episodes by the world's hand-written policy.

    Args:
        env: name of a world that has one and whose episodes are limited.
        episodes: one in each copy.
        seed: of the world and of mistakes.
        mistakes: probability of a random action of the most careless player, 0 to 1; the first makes none.

    Raises:
        UserError: nobody has written a policy for this world.
    """
    rule, world = rule_of(env), make(env, episodes, seed)
    n, generator = discrete(world, env, "logged play"), torch.Generator().manual_seed(seed)
    careless, valid = torch.linspace(0, mistakes, episodes), torch.ones(episodes, dtype=torch.bool)
    # 1. Play until every first episode is over.
    observation, seen = world.reset(), []
    while valid.any():
        slips = torch.rand(episodes, generator=generator) < careless
        anything = torch.randint(n, (episodes,), generator=generator)
        action = torch.where(slips, anything, rule(observation))
        step = world.step(action)
        seen.append((observation, action, step.reward * valid, valid))
        observation, valid = step.observation, valid & ~(step.terminated | step.truncated)
    # 2. What was still to come, at every step.
    observations, actions, rewards, valids = (torch.stack(each, 1) for each in zip(*seen, strict=True))
    to_go = rewards.flip(1).cumsum(1).flip(1)
    return Logged(observations, actions, rewards, to_go, valids)
