"""Vectors in the plane that keeps most of their differences: principal component analysis.

Source: Pearson 1901.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def in_plane(vectors: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n 2"], float]:
    """Coordinates on the first two principal axes, and the share of the variance that they keep.

    Args:
        vectors: at least two, of two numbers or more.
    """
    # 1. Axes of the centred vectors; each is turned so that its largest coordinate is positive.
    centred = (vectors - vectors.mean(0)).double()
    u, size, _ = torch.linalg.svd(centred, full_matrices=False)
    places = u[:, :2] * size[:2]
    largest = places.gather(0, places.abs().argmax(0, keepdim=True))
    # 2. Variances along the axes are the squares of the singular values.
    share = size[:2].square().sum() / size.square().sum()
    return (places * largest.sign()).float(), float(share)
