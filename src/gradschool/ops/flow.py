"""Flow matching: learn the velocity that carries noise to pictures along straight lines.

Time runs from 0 (noise) to 1 (picture). Sources: Lipman et al. 2023, section 4.1 with sigma_min = 0; Liu et
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
    """A point on the line from noise to a picture, and the velocity with which it is passed.

    Args:
        noise: where lines start, N(0, 1).
        data: where they end.
        t: 0 to 1, one of each line.
    Source: Lipman et al. 2023, eq. 20 to 23.
    """
    # 1. The place at time t.
    x = (1 - t) * noise + t * data
    # 2. On a straight line the velocity is the same all the way.
    return x, data - noise


@op
def transport_costs(noise: Float[Tensor, "b *d"], data: Float[Tensor, "b *d"]) -> Float[Tensor, "b b"]:
    """Squared distance from every start to every end; the cheapest pairing makes lines that seldom cross.

    Source: Tong et al. 2024, section 3.2.4.
    """
    # 1. Pictures as vectors.
    starts, ends = noise.flatten(1), data.flatten(1)
    # 2. |s|^2 + |e|^2 - 2 s e, without a difference for each pair.
    return starts.square().sum(1)[:, None] + ends.square().sum(1) - 2 * starts @ ends.T


@op
def euler_step(velocity: Velocity, x: Float[Tensor, "*d"], t: float, after: float) -> Float[Tensor, "*d"]:
    """Go straight on with the velocity here.

    Args:
        velocity: v(x, t).
        x: the place at time t.
        t: now.
        after: the time after the step.
    """
    # 1. The velocity here.
    v = velocity(x, t)
    # 2. As far as the time allows.
    return x + (after - t) * v


@op
def heun_flow_step(velocity: Velocity, x: Float[Tensor, "*d"], t: float, after: float) -> Float[Tensor, "*d"]:
    """Go with the mean of the velocities at both ends of a step; arguments as before."""
    # 1. The velocity here, and where it leads.
    here = velocity(x, t)
    there = velocity(x + (after - t) * here, after)
    # 2. The mean of both.
    return x + (after - t) * (here + there) / 2


STEPS = {"euler": euler_step, "heun": heun_flow_step}


def integrate(
    velocity: Velocity, x: Tensor, times: Sequence[float], method: str = "heun"
) -> Iterator[Tensor]:
    """Follow the velocity over ascending times; yields the place after each step.

    Args:
        velocity: v(x, t).
        x: the place at the first time.
        times: ascending, of a flow from 0 to 1.
        method: "euler" (one look a step) or "heun" (two).
    """
    step = STEPS[method]
    for t, after in pairwise(times):
        x = step(velocity, x, t, after)
        yield x


def even_times(steps: int) -> list[float]:
    """From 0 to 1 in so many equal steps."""
    return torch.linspace(0, 1, steps + 1, dtype=torch.float64).tolist()
