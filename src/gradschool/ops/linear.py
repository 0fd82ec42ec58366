"""The affine map, and dropout."""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def linear(
    x: Float[Tensor, "... i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, " o"] | None = None
) -> Float[Tensor, "... o"]:
    """The map x W^T + b along the last axis.

    Args:
        x: any number of axes, the last one of size i. The others are kept.
        weight: one row of i weights for each of the o outputs.
        bias: one number for each output; None for no bias.

    Raises:
        ValueError: the last axis of x does not fit the weight.
    """
    if x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"the input's last axis has {x.shape[-1]} entries, the weight wants {weight.shape[1]}"
        )
    # 1. Multiply the last axis with every row of weights: a matrix product.
    y = x @ weight.T
    # 2. Add the bias along the last axis.
    return y if bias is None else y + bias.to(y.dtype)


@op
def dropout(
    x: Float[Tensor, "..."], p: float = 0.5, training: bool = True, generator: torch.Generator | None = None
) -> Float[Tensor, "..."]:
    """Silence each unit with probability p while training, and scale the others up so that the mean stays.

    Args:
        x: activations.
        p: probability of silence, 0 to 1.
        training: False passes x through.
        generator: where the coins come from; torch's own if not given.

    Raises:
        ValueError: p is no probability.

    Source: Srivastava et al. 2014, section 10 (the inverted form).
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout's p is {p}, a probability from 0 to 1 was wanted")
    # 1. Only training is noisy.
    if not training or p == 0:
        return x
    # 2. A coin for each unit.
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= p
    # 3. Those that are left are scaled up; with p = 1 none is.
    return torch.where(kept, x / (1 - p) if p < 1 else x, torch.zeros_like(x))
