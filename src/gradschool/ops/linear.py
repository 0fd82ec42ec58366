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
    """Inverted dropout: set each unit to 0 with probability p in training, and divide the others by 1 - p.

    Args:
        x: activations, any shape; each element is dropped independently of the others.
        p: probability of dropping a unit, 0 to 1; with p = 1 the result is 0 everywhere.
        training: False returns x unchanged.
        generator: source of the random numbers; torch's global one if not given.

    Returns:
        The result, of x's shape and dtype.

    Raises:
        ValueError: p is below 0 or above 1.

    Source: Srivastava et al. 2014, section 10 (the inverted form).
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout's p is {p}, a probability from 0 to 1 was wanted")
    # 1. In evaluation nothing is dropped.
    if not training or p == 0:
        return x
    # 2. One random number for each unit; the share 1 - p is kept.
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= p
    # 3. Divide what is kept by 1 - p; with p = 1 nothing is kept.
    return torch.where(kept, x / (1 - p) if p < 1 else x, torch.zeros_like(x))
