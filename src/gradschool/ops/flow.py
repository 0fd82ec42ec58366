"""Flow matching: learn the velocity that carries noise to data along straight lines.

Time runs from 0 (noise) to 1 (data). Sources: Lipman et al. 2023, section 4.1 with sigma_min = 0; Liu et
al. 2023 (rectified flow); pairing: Tong et al. 2024, section 3.2.4.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Velocity = Callable[[Tensor, float], Tensor]


@op
def flow_pair(
    noise: Float[Tensor, "*d"], data: Float[Tensor, "*d"], t: Float[Tensor, "*#d"]
) -> tuple[Float[Tensor, "*d"], Float[Tensor, "*d"]]:
    """The point at time t on the straight line from noise to data, and the velocity there.

    Args:
        noise: where each line starts (time 0), N(0, 1); any shape.
        data: where it ends (time 1), shape of `noise`.
        t: 0 to 1, one time for each line; broadcasts against `noise`.
    Returns:
        The point x_t and the velocity dx_t/dt, both of the shape and dtype of `noise`.
    Source: Lipman et al. 2023, eq. 20 to 23.
    """
    # 1. The point at time t.
    x = (1 - t) * noise + t * data
    # 2. Its derivative by t, which is the same at all times.
    return x, data - noise


@op
def transport_costs(noise: Float[Tensor, "b *d"], data: Float[Tensor, "b *d"]) -> Float[Tensor, "b b"]:
    """Squared distances (b, b) from every noise to every image; with the cheapest pairing few lines cross.

    Source: Tong et al. 2024, section 3.2.4.
    """
    # 1. Images as vectors.
    starts, ends = noise.flatten(1), data.flatten(1)
    # 2. |s|^2 + |e|^2 - 2 s e, which needs no difference for each pair.
    return starts.square().sum(1)[:, None] + ends.square().sum(1) - 2 * starts @ ends.T


@op
def euler_step(velocity: Velocity, x: Float[Tensor, "*d"], t: float, after: float) -> Float[Tensor, "*d"]:
    """One step of Euler's method: straight on with the velocity at the start.

    Args:
        velocity: v(x, t).
        x: the point at time t.
        t: now.
        after: the time after the step.
    """
    # 1. The velocity at the start.
    v = velocity(x, t)
    # 2. Times the length of the step.
    return x + (after - t) * v


@op
def heun_flow_step(velocity: Velocity, x: Float[Tensor, "*d"], t: float, after: float) -> Float[Tensor, "*d"]:
    """One step of Heun's method: the mean of the velocities at both ends; arguments as in `euler_step`."""
    # 1. The velocity at the start, and at the point that Euler's step reaches.
    here = velocity(x, t)
    there = velocity(x + (after - t) * here, after)
    # 2. Go along their mean.
    return x + (after - t) * (here + there) / 2


STEPS = {"euler": euler_step, "heun": heun_flow_step}


def integrate(
    velocity: Velocity, x: Tensor, times: Sequence[float], method: str = "heun"
) -> Iterator[Tensor]:
    """Solve dx/dt = velocity over ascending times; yields the point after each step.

    Args:
        velocity: v(x, t).
        x: the point at the first time.
        times: ascending, of a flow from 0 to 1.
        method: "euler" (one evaluation a step) or "heun" (two).
    """
    step = STEPS[method]
    for t, after in pairwise(times):
        x = step(velocity, x, t, after)
        yield x


def even_times(steps: int) -> list[float]:
    """Times from 0 to 1 in so many equal steps."""
    return torch.linspace(0, 1, steps + 1, dtype=torch.float64).tolist()
