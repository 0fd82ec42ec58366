"""A car in a valley whose engine is too weak for the hill: it has to swing back and forth.

Source: Moore 1990; rules and constants of Gymnasium's MountainCar-v0, with which the states agree within 1e-6
over 1,000 steps in float64.
"""

from typing import ClassVar

import torch
from torch import Tensor

from gradschool.rl.protocol import Discrete
from gradschool.rl.worlds.tensor import Axis, TensorWorld

ENGINE, GRAVITY = 0.001, 0.0025
LEFT, RIGHT, GOAL, FASTEST = -1.2, 0.6, 0.5, 0.07


class MountainCar(TensorWorld):
    """State and observation: position, velocity; actions: 0 left, 1 nothing, 2 right.

    Every step earns -1; an episode ends on top of the right hill.
    """

    shape: tuple[int, ...] = (2,)
    actions = Discrete(3)
    steps: ClassVar[int] = 200
    names = "left", "nothing", "right"
    plane = Axis("position", LEFT, RIGHT), Axis("velocity", -FASTEST, FASTEST)

    def begin(self) -> Tensor:
        """Near the bottom of the valley, at rest."""
        position = self.uniform(self.count, low=-0.6, high=-0.4)
        return torch.stack((position, torch.zeros_like(position)), -1)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Engine and slope change the velocity, which moves the car."""
        position, velocity = state.unbind(-1)
        # 1. The hills are sin(3 position), so their slope goes with cos(3 position).
        push = (action - 1).to(state.dtype) * ENGINE
        velocity = (velocity + (push - GRAVITY * (3 * position).cos())).clamp(-FASTEST, FASTEST)
        position = (position + velocity).clamp(LEFT, RIGHT)
        # 2. The wall at the left stops the car.
        velocity = velocity.masked_fill((position <= LEFT) & (velocity < 0), 0.0)
        # 3. The top of the right hill, not rolling back.
        terminated = (position >= GOAL) & (velocity >= 0)
        return torch.stack((position, velocity), -1), -torch.ones_like(position), terminated
