"""Keep numbers between two limits without losing what would bring them back.

torch.clamp has slope 0 beyond its limits: what is outside is never told to return. Here the gradient passes
wherever a step against it leads inwards. Source: `lower_bound` of TensorFlow Compression, with
gradient="identity_if_towards"; it has the lower limit only.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

X = Float[Tensor, "..."]


class Limited(torch.autograd.Function):
    """torch.clamp with a way back of its own; call it as `limited`."""

    @staticmethod
    def forward(ctx: Any, x: X, low: float, high: float) -> X:
        """Clamp, and remember what the way back needs."""
        ctx.save_for_backward(x)
        ctx.low, ctx.high = low, high
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, up: X) -> tuple[X, None, None]:
        """From the gradient of the result to the gradients of x, low and high.

        Training moves x against its gradient: up where the gradient is negative, down where it is positive.

        Args:
            ctx: holds `saved_tensors`, a tuple of what forward saved, here (x,), and low and high.
            up: gradient of the loss by each element of the result, shaped like x.

        Returns:
            The gradient of x: `up` where x lies within the limits (on them, too) or a step against `up`
            would move x towards them, else 0. Then None for each limit: they are no tensors.
        """
        # 1. Where x was: within the limits, below, above.
        (x,) = ctx.saved_tensors
        below, above = x < ctx.low, x > ctx.high
        within = ~(below | above)
        # 2. A step against a negative gradient moves up, one against a positive gradient down.
        inwards = (below & (up < 0)) | (above & (up > 0))
        return torch.where(within | inwards, up, torch.zeros_like(up)), None, None


def limited(x: X, low: float = 0.0, high: float = 1.0) -> X:
    """X clamped to low..high, with gradients that bring back what is outside."""
    return Limited.apply(x, low, high)
