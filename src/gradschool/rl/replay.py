"""Replay memory: transitions in tensors that are made once, drawn uniformly or by priority.

Sources: Lin 1992; Mnih et al. 2015; Schaul et al. 2016 (priorities); Hessel et al. 2018 (n steps). Deviation:
priorities are summed anew for every draw, which below a million transitions is faster here than a tree.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.rl.replay import prioritised_weights, sampled_by_priority
from gradschool.rl.protocol import Step

COLUMNS = ("observation", "action", "reward", "final", "terminated", "ended")
NEW = 1e-6  # is added to every TD error, so that no transition is never drawn again


class Transitions(NamedTuple):
    """A minibatch that was drawn.

    Args:
        observation: s.
        action: a.
        reward: the discounted sum of n rewards, fewer where the episode ended before.
        later: the observation after them, before any reset.
        terminated: it is terminal.
        discount: what the value of `later` counts, gamma to the power of the number of rewards.
        weight: of each in the loss, mean of the losses' weights; 1 where they are drawn uniformly.
        place: where each lies in the memory.
    """

    observation: Float[Tensor, "b *o"]
    action: Tensor
    reward: Float[Tensor, " b"]
    later: Float[Tensor, "b *o"]
    terminated: Bool[Tensor, " b"]
    discount: Float[Tensor, " b"]
    weight: Float[Tensor, " b"]
    place: Int64[Tensor, " b"]


@dataclass(frozen=True)
class Memory:
    """How much is kept and how it is drawn.

    Args:
        capacity: transitions at most; the oldest go first.
        gamma: discount, 0 to 1.
        n: rewards that are summed before a value counts, at least 1.
        alpha: how much priorities matter, 0 (uniform) to 1.
    """

    capacity: int
    gamma: float
    n: int = 1
    alpha: float = 0.0


class Replay:
    """The last transitions of some worlds.

    Args:
        memory: how much is kept and how it is drawn.
        observation: (n, ...), of n worlds; shows shape and kind of number.
        action: (n, ...), likewise.
    """

    def __init__(self, memory: Memory, observation: Tensor, action: Tensor) -> None:
        worlds = len(observation)
        self.memory, self.rows = memory, max(memory.capacity // worlds, memory.n + 1)
        flags = torch.zeros(self.rows, worlds, dtype=torch.bool)
        numbers = torch.zeros(self.rows, worlds)
        self.columns = {
            "observation": observation.new_zeros((self.rows, *observation.shape)),
            "action": action.new_zeros((self.rows, *action.shape)),
            "reward": numbers,
            "final": observation.new_zeros((self.rows, *observation.shape)),
            "terminated": flags,
            "ended": flags.clone(),
        }
        self.priority = torch.zeros(self.rows, worlds)
        self.largest = torch.ones(1)
        self.added = 0  # rows ever written

    def __len__(self) -> int:
        """Transitions that are kept."""
        return min(self.added, self.rows) * self.priority.shape[1]

    def add(self, observation: Tensor, action: Tensor, step: Step) -> None:
        """Write a step of every world over the oldest."""
        row = self.added % self.rows
        ended = step.terminated | step.truncated
        values = (observation, action, step.reward, step.final, step.terminated, ended)
        for name, value in zip(COLUMNS, values, strict=True):
            self.columns[name][row] = value
        # What is new has the largest priority there is: it has not been learnt from yet.
        self.priority[row] = self.largest
        self.added += 1

    def draw(self, size: int, beta: float = 0.0) -> Transitions:
        """Draw a minibatch, with torch's own generator.

        Args:
            size: transitions.
            beta: how far their weights undo that some are drawn more often, 0 to 1.
        """
        worlds = self.priority.shape[1]
        # 1. The last n - 1 rows have no n rewards behind them yet.
        kept = min(self.added, self.rows)
        usable, oldest = kept - self.memory.n + 1, self.added - kept
        if self.memory.alpha == 0:
            chosen, weight = torch.randint(usable * worlds, (size,)), torch.ones(size)
            row, world = (oldest + chosen // worlds) % self.rows, chosen % worlds
        else:
            row, world, weight = self.by_priority(size, beta)
        # 2. Sum rewards until n are summed or the episode ends.
        return self.summed(row, world, weight)

    def by_priority(self, size: int, beta: float) -> tuple[Tensor, Tensor, Tensor]:
        """Rows, worlds and weights of transitions, drawn in proportion to their priorities."""
        # 1. Rows without n rewards behind them are not drawn.
        priority, worlds = self.priority, self.priority.shape[1]
        if self.memory.n > 1:
            last = (self.added - 1 - torch.arange(self.memory.n - 1)) % self.rows
            priority = priority.index_fill(0, last, 0.0)
        flat = priority.flatten()
        # 2. The others in proportion to what they have.
        place = sampled_by_priority(flat, torch.rand(size))
        weight = prioritised_weights(flat[place] / flat.sum(), beta)
        return place // worlds, place % worlds, weight

    def summed(self, row: Tensor, world: Tensor, weight: Tensor) -> Transitions:
        """Transitions of n steps from these places on."""
        c, gamma = self.columns, self.memory.gamma
        reward, discount, last = c["reward"][row, world], torch.full((len(row),), gamma), row
        for k in range(1, self.memory.n):
            goes_on = ~c["ended"][last, world]
            following = (row + k) % self.rows
            # Where an episode has ended nothing more is added, and `last` stays.
            reward = reward + goes_on * discount * c["reward"][following, world]
            discount = torch.where(goes_on, discount * gamma, discount)
            last = torch.where(goes_on, following, last)
        first, place = (row, world), row * self.priority.shape[1] + world
        later, terminated = c["final"][last, world], c["terminated"][last, world]
        observation, action = c["observation"][first], c["action"][first]
        return Transitions(observation, action, reward, later, terminated, discount, weight, place)

    def learnt(self, place: Tensor, error: Tensor) -> None:
        """The sizes of TD errors become priorities, to the power of alpha."""
        found = (error.abs() + NEW) ** self.memory.alpha
        self.priority.view(-1)[place] = found
        self.largest = torch.maximum(self.largest, found.max()[None])

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: the rows that are written."""
        kept = min(self.added, self.rows)
        found = {name: column[:kept] for name, column in self.columns.items()}
        return found | {
            "priority": self.priority[:kept],
            "largest": self.largest,
            "added": torch.tensor([self.added]),
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Take up what a checkpoint kept."""
        kept = len(state["reward"])
        for name, column in self.columns.items():
            column[:kept] = state[name]
        self.priority[:kept], self.largest = state["priority"], state["largest"].clone()
        self.added = int(state["added"])
