"""A grid world for agents with networks: a cell is seen as a one-hot vector.

Source: Sutton and Barto 2018, example 6.6 (the cliff walk); its rules are those of `gradschool.rl.gridworld`.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from gradschool.rl.drawing import MOVES
from gradschool.rl.gridworld import gridworld
from gradschool.rl.protocol import Discrete
from gradschool.rl.worlds.tensor import TensorWorld

CLIFF_WALK = ("............", "............", "............", "SCCCCCCCCCCG")


class GridWorld(TensorWorld):
    """State: the number of a cell; observation: as many numbers as cells, a 1 where the agent is.

    Actions: 0 up, 1 right, 2 down, 3 left. A move earns -1, a fall off the cliff -100 and leads back to the
    start; an episode ends at a goal.

    Args:
        drawing: one line for each row, as `gradschool.rl.drawing` checks them.
    """

    actions = Discrete(len(MOVES))
    steps: ClassVar[int] = 200
    names = "up", "right", "down", "left"

    def __init__(
        self,
        count: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        limit: int | None = None,
        drawing: Sequence[str] = CLIFF_WALK,
    ) -> None:
        self.grid = gridworld(drawing).to(torch.device(device))
        self.shape = (len(self.grid.land),)
        super().__init__(count, seed, device, dtype, limit)

    def begin(self) -> Tensor:
        """At the start."""
        return self.grid.begin(self.count)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One move in every copy."""
        reached, reward, terminated = self.grid.step(state, action, self.generator)
        return reached, reward.to(self.dtype), terminated

    def look(self, state: Tensor) -> Tensor:
        """The cell as a one-hot vector."""
        return torch.nn.functional.one_hot(state, *self.shape).to(self.dtype)
