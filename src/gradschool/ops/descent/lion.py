"""Lion: only the sign of a smoothed gradient counts, so every coordinate moves equally far at every step.

Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2. It keeps one number a
parameter where Adam keeps two; the paper takes rates 3 to 10 times below AdamW's and as much more decay.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.optim import State, Stepped
from gradschool.ops.switch import op


@op
def lion(
    theta: Float[Tensor, "*n"],
    g: Float[Tensor, "*n"],
    state: State,
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
) -> Stepped:
    """One step of Lion.

    Args:
        theta, g: parameter and its gradient, of one shape.
        state: "m", a moving mean of g; empty before the first step, when it is 0.
        lr: > 0; how far every coordinate moves, but for the decay.
        betas: shares of the old m that are kept, in the step and in the new m, each 0 to below 1.
        weight_decay: decoupled: each step multiplies theta by 1 - lr weight_decay first, >= 0.

    Returns:
        The new theta, and a state with the new m; no argument changes. Where mean and gradient cancel, theta
        only decays.
    """
    m, (beta1, beta2) = state.get("m", torch.zeros_like(g)), betas
    # 1. The direction: the sign of the mean with a larger share of the new gradient.
    direction = (beta1 * m + (1 - beta1) * g).sign()
    # 2. Decay, then step; the mean itself is kept longer.
    theta = theta * (1 - lr * weight_decay) - lr * direction
    return theta, {"m": beta2 * m + (1 - beta2) * g}
