"""The learning curve over the size of the data: a power law, which is a line between logarithms.

Source: Hestness et al. 2017, Deep Learning Scaling is Predictable, Empirically, section 2.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def power_law(n: Float[Tensor, " k"], error: Float[Tensor, " k"]) -> tuple[Tensor, Tensor]:
    """Fit error = a n^-b by least squares between logarithms.

    Args:
        n: sizes of the training part, > 0, at least two different ones.
        error: of the runs with these sizes, > 0.

    Returns:
        a, the error with one example, and b, the exponent: twice the data multiply the error by 2^-b.
    """
    # 1. A line through the points (log n, log error).
    x, y = n.log(), error.log()
    gap = x - x.mean()
    slope = (gap * y).sum() / gap.square().sum()
    # 2. Back from logarithms.
    return torch.exp(y.mean() - slope * x.mean()), -slope


def gain_of_more(b: float, times: float = 2.0) -> float:
    """The share of the error that goes away with `times` as many examples.

    Args:
        b: exponent of the power law.
        times: as many examples, > 0.
    """
    return 1 - times**-b
