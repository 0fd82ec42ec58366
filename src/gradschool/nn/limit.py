"""Keep numbers between two limits, with a gradient that can bring them back.

The gradient of torch.clamp is 0 outside its limits, so a value outside never returns. Here the gradient
passes wherever a step against it leads inwards. Source: `lower_bound` of TensorFlow Compression, with
gradient="identity_if_towards"; it has the lower limit only.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

X = Float[Tensor, "..."]


class Limited(torch.autograd.Function):
    """torch.clamp with its own backward pass; call it as `limited`."""

    @staticmethod
    def forward(ctx: Any, x: X, low: float, high: float) -> X:
        """Clamp, and save what the backward pass needs."""
        ctx.save_for_backward(x)
        ctx.low, ctx.high = low, high
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, up: X) -> tuple[X, None, None]:
        """Compute the gradients of x, low and high from the gradient of the result.

        Training moves x against its gradient: up where the gradient is negative, down where it is positive.

        Args:
            ctx: holds what forward saved: the tuple `saved_tensors`, here (x,), and the numbers low and high.
            up: gradient of the loss with respect to each element of the result; the shape of x.

        Returns:
            The gradient of x. It is `up` where x is within the limits (or on one), and where a step against
            `up` moves x towards them; elsewhere 0. Then None for low and None for high: they are no tensors.
        """
        # 1. Which elements of x are below, above and within the limits.
        (x,) = ctx.saved_tensors
        below, above = x < ctx.low, x > ctx.high
        within = ~(below | above)
        # 2. A step against a negative gradient moves x up, a step against a positive gradient moves it down.
        inwards = (below & (up < 0)) | (above & (up > 0))
        return torch.where(within | inwards, up, torch.zeros_like(up)), None, None


def limited(x: X, low: float = 0.0, high: float = 1.0) -> X:
    """X clamped to low..high, with gradients that bring values outside back."""
    return Limited.apply(x, low, high)
