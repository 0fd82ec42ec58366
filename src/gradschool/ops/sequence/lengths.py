"""Sequences of different lengths in one rectangular batch: padding at the end, and a mask that says where.

A batch holds b sequences along axis 0 and t steps along axis 1. Sequence i is valid at its first lengths[i]
steps; what is padded after them must change neither a result nor a gradient.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.switch import op

Lengths = Int64[Tensor, " b"]


@op
def valid_steps(lengths: Lengths, steps: int) -> Bool[Tensor, "b t"]:
    """The mask of a batch: True at the first lengths[i] steps of row i, False at the padding."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


@op
def reversed_steps(x: Float[Tensor, "b t *d"], lengths: Lengths | None = None) -> Float[Tensor, "b t *d"]:
    """Each sequence from its last valid step to its first; padding stays where it is.

    Args:
        x: a batch of sequences.
        lengths: valid steps of each, 1 to t; None: all are t long.

    Returns:
        Shape of x. Reversing twice gives x.
    """
    # 1. Without padding it is a flip.
    if lengths is None:
        return x.flip(1)
    # 2. Step s of a sequence of length n takes step n - 1 - s; the padding keeps its own place.
    step = torch.arange(x.shape[1], device=x.device)
    source = torch.where(step < lengths[:, None], lengths[:, None] - 1 - step, step)
    return x[torch.arange(len(x), device=x.device)[:, None], source]


@op
def last_valid(x: Float[Tensor, "b t *d"], lengths: Lengths | None = None) -> Float[Tensor, "b *d"]:
    """Each sequence at its last valid step."""
    if lengths is None:
        return x[:, -1]
    return x[torch.arange(len(x), device=x.device), lengths - 1]


@op
def mean_over_steps(x: Float[Tensor, "b t *d"], lengths: Lengths | None = None) -> Float[Tensor, "b *d"]:
    """The mean of each sequence over its valid steps (mean pooling)."""
    if lengths is None:
        return x.mean(1)
    mask = valid_steps(lengths, x.shape[1]).view(*x.shape[:2], *[1] * (x.dim() - 2))
    # `where` and not a product: what is padded may be infinite, and 0 times infinity is NaN.
    total = torch.where(mask, x, torch.zeros_like(x)).sum(1)
    return total / lengths.view(-1, *[1] * (x.dim() - 2)).to(x.dtype)


@op
def max_over_steps(x: Float[Tensor, "b t *d"], lengths: Lengths | None = None) -> Float[Tensor, "b *d"]:
    """The largest value of each feature over the valid steps of each sequence (max pooling over time)."""
    if lengths is None:
        return x.amax(1)
    mask = valid_steps(lengths, x.shape[1]).view(*x.shape[:2], *[1] * (x.dim() - 2))
    return torch.where(mask, x, torch.full_like(x, -torch.inf)).amax(1)


@op
def masked_mean(x: Float[Tensor, "b t"], lengths: Lengths) -> Float[Tensor, ""]:
    """The mean over all valid steps of a batch, e.g. of the loss of each token.

    Every valid step counts alike, so a long sequence has a larger share than a short one. The plain mean of
    the rectangle would count padding as if it were data.

    Args:
        x: one number for each step.
        lengths: valid steps of each sequence, 1 to t.
    """
    mask = valid_steps(lengths, x.shape[1])
    # 1. Set the padding to 0, whatever it holds.
    kept = torch.where(mask, x, torch.zeros_like(x))
    # 2. Divide by the number of valid steps, not by the size of the rectangle.
    return kept.sum() / lengths.sum()
