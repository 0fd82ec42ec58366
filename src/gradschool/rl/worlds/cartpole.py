"""A pole on a cart that is pushed left or right: keep the pole upright.

Source: Barto, Sutton and Anderson 1983; rules and constants of Gymnasium's CartPole-v1, with which the states
agree within 1e-6 over 1,000 steps in float64.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from gradschool.rl.protocol import Discrete
from gradschool.rl.worlds.tensor import TensorWorld

GRAVITY, CART, POLE, HALF_LENGTH = 9.8, 1.0, 0.1, 0.5  # m/s2, kg, kg, m
MASS, SWING = CART + POLE, POLE * HALF_LENGTH
FORCE, SECONDS = 10.0, 0.02  # N; length of a step
FARTHEST, STEEPEST = 2.4, math.radians(12)  # m, rad: beyond them the episode ends


class CartPole(TensorWorld):
    """State and observation: position, velocity, angle, angular velocity; actions: 0 left, 1 right.

    Every step earns 1; an episode ends when the cart is too far out or the pole too far down.
    """

    shape: tuple[int, ...] = (4,)
    actions = Discrete(2)
    steps: ClassVar[int] = 500
    names = "left", "right"

    def begin(self) -> Tensor:
        """Nearly upright, in the middle, at rest."""
        return self.uniform(self.count, 4, low=-0.05, high=0.05)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of Euler's method."""
        # 1. Accelerations of pole and cart (Florian 2007, eqs. 23 and 24).
        #    Constants are multiplied first: for so few numbers each operation on tensors costs the same.
        _, speed, angle, turning = state.unbind(-1)
        cosine, sine = angle.cos(), angle.sin()
        force = (action.to(state.dtype) - 0.5) * (2 * FORCE / MASS)
        push = force + turning * turning * sine * (SWING / MASS)
        twist = (GRAVITY * sine - cosine * push) / (4 / 3 * HALF_LENGTH - cosine * cosine * (SWING / MASS))
        pull = push - twist * cosine * (SWING / MASS)
        # 2. The old speeds move the positions.
        reached = state.add(torch.stack((speed, pull, turning, twist), -1), alpha=SECONDS)
        # 3. Fallen, or off the track.
        x, _, angle, _ = reached.abs().unbind(-1)
        return reached, torch.ones_like(x), (x > FARTHEST) | (angle > STEEPEST)
