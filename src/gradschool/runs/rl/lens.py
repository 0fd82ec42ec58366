"""How a finished agent sees an environment, and how its values are told: in rewards as they are.

An agent may have learnt from observations and rewards on another scale; both are undone by what model.json
holds: statistics of observations, and what a value of 1 is worth.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradschool.rl.normalise import SMALL, NormalisedWorld, Running, standardised
from gradschool.rl.protocol import Thought
from gradschool.rl.world import World, make
from gradschool.tasks.rl.agent import Agent


def tested_in(world: World, env: str, count: int, seed: int) -> World:
    """Other copies of an environment to be tested in, seen as the agent sees `world`."""
    other = make(env, count, seed, training=False)
    return world.alike(other) if isinstance(world, NormalisedWorld) else other


def lens_of(world: World, reward_scale: float) -> dict[str, Any]:
    """What model.json keeps of the scales that an agent has learnt with.

    Args:
        world: that it played in.
        reward_scale: by which rewards were multiplied.

    Returns:
        "value_unit", and "seen" where observations were standardised.
    """
    if not isinstance(world, NormalisedWorld):
        return {"value_unit": 1 / reward_scale}
    seen = {name: value.tolist() for name, value in world.seen.state().items()}
    return {"value_unit": (world.gains.variance + SMALL).sqrt().item() / reward_scale, "seen": seen}


class Lens:
    """What a finished agent makes of observations as the environment gives them.

    Args:
        agent: who thinks.
        facts: of model.json.
    """

    def __init__(self, agent: Agent, facts: dict[str, Any]) -> None:
        self.agent, self.unit = agent, float(facts.get("value_unit", 1.0))
        self.scale: Running | None = None
        if "seen" in facts:
            self.scale = Running(tuple(facts["shape"]))
            seen = {name: torch.tensor(value, dtype=torch.float64) for name, value in facts["seen"].items()}
            self.scale.load(seen)

    def seen(self, observation: Tensor) -> Tensor:
        """An observation as the agent sees it."""
        return observation if self.scale is None else standardised(observation, self.scale)

    def told(self, thought: Thought) -> Thought:
        """The same with values in rewards as the environment gives them."""
        numbers = thought.numbers * self.unit if thought.kind == "value" else thought.numbers
        return thought._replace(numbers=numbers, value=thought.value * self.unit)

    def think(self, observation: Tensor) -> Thought:
        """What it makes of observations by themselves."""
        return self.told(self.agent.think(self.seen(observation)))

    def episode(self) -> Callable[[Tensor, Tensor], Thought]:
        """What it makes of the observations of one episode, one after the other."""
        recall = self.agent.recall()
        return lambda observation, earned: self.told(recall(self.seen(observation), earned))
