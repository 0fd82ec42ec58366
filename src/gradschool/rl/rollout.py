"""A rollout: some steps in many worlds, as tensors whose first axis is time and whose second is worlds."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.rl.player import Player


class Rollout(NamedTuple):
    """What was seen, done and earned.

    Args:
        observation: before each step.
        action: that was taken.
        reward: that it earned.
        final: the observation after it, before any reset.
        terminated: the episode is over; nothing comes after it.
        truncated: the episode was cut off; it would have gone on.
    """

    observation: Float[Tensor, "t n *o"]
    action: Tensor
    reward: Float[Tensor, "t n"]
    final: Float[Tensor, "t n *o"]
    terminated: Bool[Tensor, "t n"]
    truncated: Bool[Tensor, "t n"]

    @property
    def ended(self) -> Bool[Tensor, "t n"]:
        """The next step belongs to another episode."""
        return self.terminated | self.truncated


def rollout(player: Player, steps: int, choose: Callable[[Tensor], Tensor]) -> Rollout:
    """Play some steps.

    Args:
        player: goes on from where it is.
        steps: in every world.
        choose: actions for observations; it draws from torch's own generator.
    """
    seen = []
    for _ in range(steps):
        observation = player.observation
        action = choose(observation)
        step = player.act(action)
        seen.append((observation, action, step.reward, step.final, step.terminated, step.truncated))
    return Rollout(*(torch.stack(column) for column in zip(*seen, strict=True)))
