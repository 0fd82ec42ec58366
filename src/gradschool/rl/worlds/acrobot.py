"""A double pendulum with a motor in its elbow: swing the tip above a line.

Source: Sutton 1996; Sutton and Barto 2018, section 11.3 of the first edition; rules and constants of
Gymnasium's Acrobot-v1, with which the states agree within 1e-6 over 1,000 steps in float64.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from gradschool.rl.protocol import Discrete
from gradschool.rl.worlds.tensor import TensorWorld

GRAVITY, SECONDS = 9.8, 0.2
MASS, LENGTH, CENTRE, INERTIA = 1.0, 1.0, 0.5, 1.0  # of either link
FASTEST = 4 * math.pi, 9 * math.pi  # rad/s


class Acrobot(TensorWorld):
    """State: both angles (0 hangs down; the second is relative to the first) and their velocities.

    Observation: cosine and sine of either angle, velocities; actions: torque -1, 0, 1. Every step earns -1,
    the last 0; an episode ends when the tip is one link's length above the pivot.
    """

    shape: tuple[int, ...] = (6,)
    actions = Discrete(3)
    steps: ClassVar[int] = 500
    names = "torque -1", "nothing", "torque 1"

    def begin(self) -> Tensor:
        """Hanging down, nearly at rest."""
        return self.uniform(self.count, 4, low=-0.1, high=0.1)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of the classical Runge-Kutta method, then the limits."""
        torque = (action - 1).to(state.dtype)
        # 1. Four slopes.
        one = rates(state, torque)
        two = rates(state + SECONDS / 2 * one, torque)
        three = rates(state + SECONDS / 2 * two, torque)
        four = rates(state + SECONDS * three, torque)
        reached = state + SECONDS / 6 * (one + 2 * two + 2 * three + four)
        # 2. Angles between -pi and pi, velocities within their limits.
        angles, first, second = reached[:, :2], reached[:, 2], reached[:, 3]
        angles = angles - 2 * math.pi * (angles / (2 * math.pi)).round()
        limited = first.clamp(-FASTEST[0], FASTEST[0]), second.clamp(-FASTEST[1], FASTEST[1])
        # 3. The height of the tip.
        terminated = -angles[:, 0].cos() - angles.sum(1).cos() > 1
        return torch.cat((angles, torch.stack(limited, -1)), -1), terminated.to(state.dtype) - 1, terminated

    def look(self, state: Tensor) -> Tensor:
        """Angles as cosine and sine, so that full turns look the same."""
        angles = torch.stack((state[:, :2].cos(), state[:, :2].sin()), -1).flatten(1)
        return torch.cat((angles, state[:, 2:]), -1)


def rates(state: Tensor, torque: Tensor) -> Tensor:
    """How fast the state changes (n, 4): the equations of motion as in the book."""
    first, second, speed, bend = state.unbind(-1)
    cosine, sine = second.cos(), second.sin()
    # 1. Moments of inertia.
    inner = MASS * CENTRE**2 + MASS * (LENGTH**2 + CENTRE**2 + 2 * LENGTH * CENTRE * cosine) + 2 * INERTIA
    joint = MASS * (CENTRE**2 + LENGTH * CENTRE * cosine) + INERTIA
    coupling = MASS * LENGTH * CENTRE * sine
    # 2. Gravity and what turning brings.
    low = MASS * CENTRE * GRAVITY * (first + second - math.pi / 2).cos()
    high = -coupling * bend.square() - 2 * coupling * bend * speed
    high = high + (MASS * CENTRE + MASS * LENGTH) * GRAVITY * (first - math.pi / 2).cos() + low
    # 3. Accelerations of both joints.
    elbow = (torque + joint / inner * high - coupling * speed.square() - low) / (
        MASS * CENTRE**2 + INERTIA - joint.square() / inner
    )
    shoulder = -(joint * elbow + high) / inner
    return torch.stack((speed, bend, shoulder, elbow), -1)
