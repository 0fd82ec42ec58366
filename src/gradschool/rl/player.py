"""Somebody who plays: worlds side by side, what is seen of them now, and how the last episodes went.

A checkpoint keeps all of it, so that a resumed run plays on in the middle of its episodes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gradschool.rl.normalise import NormalisedWorld
from gradschool.rl.world import Step, World

RECENT = 100  # episodes that the mean return is taken over, as is usual


class Player:
    """Plays on in `world`, episode after episode.

    Args:
        world: copies of an environment side by side.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.observation = world.reset(None)
        self.earned = torch.zeros(world.count)
        self.lengths = torch.zeros(world.count)
        self.ended = torch.zeros(0, 2)  # return and length of the last episodes, the newest last

    def act(self, action: Tensor) -> Step:
        """One step in every world."""
        # 1. See what comes of it.
        step = self.world.step(action)
        self.observation = step.observation
        # 2. Count rewards as they were, and write down which episodes are over.
        reward = self.world.earned if isinstance(self.world, NormalisedWorld) else step.reward
        self.earned = self.earned + reward
        self.lengths = self.lengths + 1
        over = step.terminated | step.truncated
        if over.any():
            new = torch.stack((self.earned[over], self.lengths[over]), 1)
            self.ended = torch.cat((self.ended, new))[-RECENT:]
            self.earned = self.earned.masked_fill(over, 0.0)
            self.lengths = self.lengths.masked_fill(over, 0.0)
        return step

    def restart(self) -> None:
        """Leave the episodes that are played, and begin new ones; those do not count."""
        self.observation = self.world.reset(None)
        self.earned, self.lengths = torch.zeros_like(self.earned), torch.zeros_like(self.lengths)

    def recent(self) -> dict[str, Tensor]:
        """Mean "return" and "length" of the last 100 episodes; empty before the first has ended."""
        if not len(self.ended):
            return {}
        mean = self.ended.mean(0)
        return {"return": mean[0], "length": mean[1]}

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        own = {"observation": self.observation, "earned": self.earned, "lengths": self.lengths}
        worlds = {f"world.{name}": value for name, value in self.world.state().items()}
        return own | {"ended": self.ended} | worlds

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what a checkpoint kept."""
        self.observation, self.earned = state["observation"], state["earned"]
        self.lengths, self.ended = state["lengths"], state["ended"]
        self.world.load({name[6:]: value for name, value in state.items() if name.startswith("world.")})


def returns_of(world: World, choose: Callable[[Tensor], Tensor], longest: int) -> tuple[Tensor, Tensor]:
    """Return and length of one episode in every copy of a world.

    Args:
        world: freshly made.
        choose: actions for observations.
        longest: steps after which an episode that has not ended is counted as it stands.
    """
    observation = world.reset(None)
    earned, length = torch.zeros(world.count), torch.zeros(world.count)
    playing = torch.ones(world.count, dtype=torch.bool)
    for _ in range(longest):
        step = world.step(choose(observation))
        observation = step.observation
        # What follows an episode's end is the next one's.
        earned = earned + step.reward * playing
        length = length + playing
        playing = playing & ~(step.terminated | step.truncated)
        if not playing.any():
            break
    return earned, length
