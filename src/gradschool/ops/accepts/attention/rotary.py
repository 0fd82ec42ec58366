"""What rotary positions refuse; see gradschool.ops.attention.rotary."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, spreads


def even(d: int) -> None:
    """Numbers go in pairs."""
    if d < 2 or d % 2:
        raise ValueError(f"d is {d}, an even number of 2 or more was wanted: numbers are turned in pairs")


def whole(positions: Tensor) -> None:
    """Positions are whole numbers."""
    if positions.is_floating_point() or positions.dtype == torch.bool:
        raise ValueError(f"positions are of type {positions.dtype}, int64 was wanted")


def rotary_angles(
    positions: Tensor, d: int, base: float = 10000.0, dtype: torch.dtype = torch.float32
) -> None:
    """Whole positions, an even size and a base above 0."""
    whole(positions)
    even(d)
    if not base > 0:
        raise ValueError(f"base is {base}, a number above 0 was wanted")


def rotate(x: Tensor, angles: Tensor, interleaved: bool = False) -> None:
    """An angle for every pair."""
    floating(x=x, angles=angles)
    axes("x", x, "(..., positions, numbers)", 2)
    even(x.shape[-1])
    spreads("angles", angles, (*x.shape[:-1], x.shape[-1] // 2))


def rope(x: Tensor, positions: Tensor, base: float = 10000.0, interleaved: bool = False) -> None:
    """A position for every token."""
    floating(x=x)
    axes("x", x, "(..., heads, positions, numbers)", 3)
    rotary_angles(positions, x.shape[-1], base)
    spreads("positions", positions, (*x.shape[:-3], x.shape[-2]))
