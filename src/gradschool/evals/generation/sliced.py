"""How far two clouds of points are apart, without a network: by their shadows on many lines.

Source: Rabin et al. 2011 (sliced Wasserstein distance), here with directions evenly over half a turn.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def sliced_distance(a: Float[Tensor, "n 2"], b: Float[Tensor, "n 2"], directions: int = 32) -> float:
    """Root mean square, over directions and points, of the distance between equals in rank.

    Args:
        a, b: as many points of the plane each.
        directions: how many lines the points are projected on.
    """
    # 1. Where every point's shadow falls on every line.
    angle = torch.arange(directions, dtype=a.dtype) * (math.pi / directions)
    lines = torch.stack([angle.cos(), angle.sin()])
    # 2. On a line the cheapest transport keeps the order.
    first, second = (a @ lines).sort(0).values, (b @ lines).sort(0).values
    return (first - second).square().mean().sqrt().item()
