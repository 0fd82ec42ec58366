"""A pendulum with a motor that is too weak to lift it at once: swing it up and hold it there.

Source: rules and constants of Gymnasium's Pendulum-v1, with which the states agree within 1e-6 over 1,000
steps in float64.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from gradschool.rl.protocol import Continuous
from gradschool.rl.worlds.tensor import Axis, TensorWorld

GRAVITY, MASS, LENGTH, SECONDS = 10.0, 1.0, 1.0, 0.05
FASTEST, STRONGEST = 8.0, 2.0  # rad/s, Nm


class Pendulum(TensorWorld):
    """State: angle (0 is upright), angular velocity; observation: cosine and sine of the angle, velocity.

    The one action is a torque from -2 to 2. A step costs the squared angle, and a little for speed and
    torque; nothing ends an episode but the time limit.
    """

    shape: tuple[int, ...] = (3,)
    actions = Continuous(torch.tensor([-STRONGEST]), torch.tensor([STRONGEST]))
    steps: ClassVar[int] = 200
    names = ("torque",)
    plane = Axis("angle", -math.pi, math.pi), Axis("angular velocity", -FASTEST, FASTEST)

    def begin(self) -> Tensor:
        """Any angle, slow."""
        chance = self.uniform(self.count, 2, low=-1.0, high=1.0)
        return chance * torch.tensor([math.pi, 1.0], device=self.device, dtype=self.dtype)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step of Euler's method in which the new velocity moves the angle."""
        angle, turning = state.unbind(-1)
        torque = action.squeeze(-1).to(state.dtype).clamp(-STRONGEST, STRONGEST)
        # 1. What the state before the step costs: the angle is taken between -pi and pi.
        tilt = torch.remainder(angle + math.pi, 2 * math.pi) - math.pi
        cost = tilt.square() + 0.1 * turning.square() + 0.001 * torque.square()
        # 2. Gravity and motor.
        twist = 3 * GRAVITY / (2 * LENGTH) * angle.sin() + 3 / (MASS * LENGTH**2) * torque
        turning = (turning + twist * SECONDS).clamp(-FASTEST, FASTEST)
        angle = angle + turning * SECONDS
        return torch.stack((angle, turning), -1), -cost, torch.zeros_like(angle, dtype=torch.bool)

    def look(self, state: Tensor) -> Tensor:
        """An angle as its cosine and sine, so that full turns look the same."""
        angle, turning = state.unbind(-1)
        return torch.stack((angle.cos(), angle.sin(), turning), -1)
