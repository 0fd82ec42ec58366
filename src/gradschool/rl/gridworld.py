"""A grid world as tensors: where every move leads, what it earns, and whether it ends the episode.

Source: Sutton and Barto 2018, example 6.6: a move earns -1; a move into the cliff earns -100 and leads back
to the start; the episode ends at the goal. With probability `slip` a move goes to the left or the right of
its direction, as in Russell and Norvig 2021, figure 17.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.rl.drawing import CLIFF, GOAL, MOVES, START, cells_of, distances, moved

MOVE, FALL = -1.0, -100.0  # rewards


@dataclass(frozen=True)
class Gridworld:
    """A state is a cell, numbered row by row; an action is a direction: 0 up, 1 right, 2 down, 3 left.

    Goals and cells that no episode visits (walls, the cliff, what lies behind walls) are absorbing: every
    move stays there and earns 0.

    Args:
        drawing: one line for each row.
        start: the first state of every episode.
        land: the next state of a move in each direction.
        reward: what it earns.
        ends: it terminates the episode.
        slip: probability that a move goes sideways, half of it to each side, 0 to below 1.
    """

    drawing: tuple[str, ...]
    start: int
    land: Int64[Tensor, "s 4"]
    reward: Float[Tensor, "s 4"]
    ends: Bool[Tensor, "s 4"]
    slip: float = 0.0

    @property
    def alive(self) -> Bool[Tensor, " s"]:
        """Which states an episode goes on from: those where moves cost something."""
        return (self.reward != 0).any(1)

    def begin(self, n: int) -> Int64[Tensor, " n"]:
        """The first states of n episodes."""
        return torch.full((n,), self.start, device=self.land.device)

    def step(
        self, state: Int64[Tensor, " n"], action: Int64[Tensor, " n"], generator: torch.Generator | None
    ) -> tuple[Int64[Tensor, " n"], Float[Tensor, " n"], Bool[Tensor, " n"]]:
        """One move in each of n worlds.

        Args:
            state: where each is.
            action: the direction that is meant.
            generator: of the slips; None: torch's own.

        Returns:
            Next state, reward, and whether the episode has terminated.
        """
        # 1. The direction that is taken: a slip turns left or right, by a quarter of a turn.
        chance = torch.rand(len(state), generator=generator, device=state.device)
        turn = (chance < self.slip / 2).long() - (chance > 1 - self.slip / 2).long()
        direction = (action + turn) % len(MOVES)
        # 2. Where it leads.
        return self.land[state, direction], self.reward[state, direction], self.ends[state, direction]

    def expected(self, by_direction: Float[Tensor, "s 4"]) -> Float[Tensor, "s 4"]:
        """The mean over slips, for each action, of a quantity that depends on the direction taken."""
        left, right = by_direction.roll(1, -1), by_direction.roll(-1, -1)
        return (1 - self.slip) * by_direction + self.slip / 2 * (left + right)

    def to(self, device: torch.device) -> "Gridworld":
        """The same world on another device."""
        tensors = self.land, self.reward, self.ends
        land, reward, ends = (each.to(device) for each in tensors)
        return replace(self, land=land, reward=reward, ends=ends)


def gridworld(drawing: Sequence[str], slip: float = 0.0) -> Gridworld:
    """The world of a drawing.

    Args:
        drawing: one line for each row, as `gradschool.rl.drawing` checks them.
        slip: probability that a move goes sideways, 0 to below 1.
    """
    # 1. Absorbing cells.
    width, states = len(drawing[0]), sum(map(len, drawing))
    land = torch.arange(states)[:, None].repeat(1, len(MOVES))
    reward, ends = torch.zeros(states, len(MOVES)), torch.ones(states, len(MOVES), dtype=torch.bool)
    start = next(row * width + column for row, column, sign in cells_of(drawing) if sign == START)
    # 2. Cells from which an episode goes on.
    for row, column in distances(drawing):
        if drawing[row][column] == GOAL:
            continue
        for direction in range(len(MOVES)):
            down, right = moved(drawing, (row, column), direction)
            falls, here = drawing[down][right] == CLIFF, (row * width + column, direction)
            land[here] = start if falls else down * width + right
            reward[here] = FALL if falls else MOVE
            ends[here] = drawing[down][right] == GOAL
    return Gridworld(tuple(drawing), start, land, reward, ends, slip)
