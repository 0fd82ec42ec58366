"""A selective state-space model: a diagonal linear system whose step size, input and output depend on the
input, so that it chooses what to remember.

Sources: Gu et al. 2022 (diagonal systems, S4D); Gu and Dao 2024 (Mamba, algorithm 2). Deviation: real
numbers only, and the input matrix discretised by Euler's rule, as Mamba's code does.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.sequence.scan import linear_recurrence
from gradschool.ops.switch import op

Channels = Float[Tensor, "b t d"]
Vectors = Float[Tensor, "b t n"]


@op
def discretise(
    delta: Channels, A: Float[Tensor, "d n"], B: Vectors
) -> tuple[Float[Tensor, "b t d n"], Float[Tensor, "b t d n"]]:
    """From h' = A h + B x in continuous time to h_t = a_t h_{t-1} + b_t x_t.

    Args:
        delta: the time that each step takes for each channel, > 0. After a short one the state is almost
            what it was; a long one forgets it and takes in the input.
        A: rate of each of the n states of a channel, < 0: the state decays.
        B: how the input enters the n states at each step.

    Returns:
        a = exp(delta A), between 0 and 1, and b = delta B.
    """
    return torch.exp(delta.unsqueeze(3) * A), delta.unsqueeze(3) * B.unsqueeze(2)


@op
def selective_scan(
    x: Channels,
    delta: Channels,
    A: Float[Tensor, "d n"],
    B: Vectors,
    C: Vectors,
    state: Float[Tensor, "b d n"],
) -> tuple[Channels, Float[Tensor, "b d n"]]:
    """Run the system along a sequence: each channel has n states of its own, and C reads them.

    Args:
        x: one number for each channel and step.
        delta: the time that each step takes, > 0; with 0 a step changes nothing.
        A: rates, < 0.
        B: how the input enters.
        C: how the states are read.
        state: before the first step.

    Returns:
        Outputs of x's shape, y_t = C_t h_t, and the state after the last step.
    """
    # 1. The system in discrete time.
    a, b = discretise(delta, A, B)
    # 2. A linear recurrence for each of the d n states.
    h = linear_recurrence(a, b * x.unsqueeze(3), state)
    # 3. Read them.
    return torch.einsum("btdn,btn->btd", h, C), h[:, -1]
