"""What positions refuse; see gradschool.ops.attention.positions."""

import torch
from torch import Tensor

from gradschool.ops.accepts.attention.masks import sizes
from gradschool.ops.accepts.attention.rotary import even, rotary_angles


def sinusoids(positions: Tensor, d: int, base: float = 10000.0, dtype: torch.dtype = torch.float32) -> None:
    """Whole positions, an even size and a base above 0."""
    rotary_angles(positions, d, base, dtype)


def shift_matrix(
    k: int, d: int, base: float = 10000.0, dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> None:  # fmt: skip
    """An even size."""
    even(d)


def alibi_slopes(h: int, device: torch.device | None = None) -> None:
    """One head or more."""
    if h < 1:
        raise ValueError(f"h is {h}, one head or more was wanted")


def alibi_bias(n: int, m: int, h: int, offset: int = 0, device: torch.device | None = None) -> None:
    """Sizes of 0 or more, one head or more."""
    sizes(n, m, offset)
    alibi_slopes(h)


def distance_buckets(
    n: int, m: int, buckets: int = 32, furthest: int = 128, causal: bool = False, offset: int = 0,
    device: torch.device | None = None,
) -> None:  # fmt: skip
    """Buckets in halves, and a furthest distance beyond those that have a bucket of their own."""
    sizes(n, m, offset)
    exact = buckets // 2 if causal else buckets // 4
    if buckets < 4 or buckets % 2 or furthest <= exact:
        raise ValueError(
            f"{buckets} buckets up to distance {furthest}, an even number of 4 or more and a distance above "
            f"{exact} were wanted"
        )
