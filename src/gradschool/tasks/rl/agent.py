"""What agents share: where they play, how they are tested, and what a checkpoint keeps besides weights."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.switch import unchecked
from gradschool.rl.choices import Categorical, Choice, Gaussian
from gradschool.rl.player import Player, returns_of
from gradschool.rl.protocol import Thought
from gradschool.rl.world import Continuous, World
from gradschool.tasks.update import Batch, Update

LONGEST = 100_000  # steps of a test episode in a world without a time limit


@dataclass(frozen=True)
class Stage:
    """Where an agent plays.

    Args:
        player: of the worlds that it learns in.
        fresh: makes other worlds to be tested in, from a count and a seed.
        held_out: the word before the scores, "val" or "test".
        env: name of the worlds.
    """

    player: Player
    fresh: Callable[[int, int], World]
    held_out: str = "val"
    env: str = ""


class Agent:
    """Base of all agents; one of them says how it acts and how it learns.

    Args:
        parts: networks by name, as `engine.task.Task` has them.
        stage: where it plays.
    """

    def __init__(self, parts: Mapping[str, nn.Module], stage: Stage) -> None:
        self.parts: dict[str, Any] = dict(parts)
        self.stage, self.player, self.has_learnt = stage, stage.player, False

    @property
    def carried(self) -> dict[str, Tensor]:
        """All that goes on from step to step besides the weights; a checkpoint keeps it."""
        return self.player.state()

    @carried.setter
    def carried(self, saved: dict[str, Tensor]) -> None:
        self.player.load(saved)

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play a round and learn from it; the batch holds the round's number."""
        raise NotImplementedError

    def best(self, observation: Tensor) -> Tensor:
        """The actions of the policy that is tested, without exploration."""
        raise NotImplementedError

    def think(self, observation: Tensor) -> Thought:
        """What the agent makes of observations: what it would do, and why."""
        raise NotImplementedError

    def recall(self) -> Callable[[Tensor, Tensor], Thought]:
        """What thinks through one episode of observations and of what was earned before them.

        Most agents remember nothing of an episode.
        """
        return lambda observation, earned: self.think(observation)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Play one episode for each number of a batch, in worlds of their own; the first number is the seed.

        Returns:
            "val_return" and "val_length" ("test_..." where the stage says so): means over the episodes.
        """
        returns, lengths = self.played(batches)
        name = self.stage.held_out
        return {f"{name}_return": returns.mean().item(), f"{name}_length": lengths.mean().item()}

    def tested(self, world: World) -> tuple[Tensor, Tensor]:
        """Return and length of an episode in every copy of a world."""
        return returns_of(world, self.best, world.limit or LONGEST)

    def played(self, batches: Iterator[Batch]) -> tuple[Tensor, Tensor]:
        """Return and length of every test episode."""
        found = []
        for (numbers,) in batches:
            world = self.stage.fresh(len(numbers), int(numbers[0]))
            try:
                found.append(self.tested(world))
            finally:
                world.close()
        returns, lengths = zip(*found, strict=True)
        return torch.cat(returns), torch.cat(lengths)


def rounds(step: Callable[[Any, Batch, Update], dict[str, Tensor]]) -> Any:
    """A step whose ops look at their arguments until it has learnt once: later rounds ask the same.

    For networks of this size the look takes a tenth of the time.
    """

    @wraps(step)
    def run(agent: Any, batch: Batch, update: Update) -> dict[str, Tensor]:
        with unchecked() if agent.has_learnt else nullcontext():
            found = step(agent, batch, update)
        agent.has_learnt = "loss" in found
        return found

    return run


def choice_for(world: World) -> Callable[[Tensor], Choice]:
    """The distribution that a policy's numbers stand for in a world."""
    return Gaussian if isinstance(world.actions, Continuous) else Categorical


def mean_of(found: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Means of losses over the updates of a step."""
    return {name: torch.stack([each[name] for each in found]).mean() for name in found[0]} if found else {}


def minibatches(columns: Batch, count: int) -> Iterator[Batch]:
    """All rows once, in a new order from torch's own generator, in `count` batches."""
    for chosen in torch.randperm(len(columns[0])).chunk(count):
        yield tuple(column[chosen] for column in columns)
