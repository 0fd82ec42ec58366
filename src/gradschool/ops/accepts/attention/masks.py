"""What masks refuse; see gradschool.ops.attention.masks."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, looks_at_numbers, within


def sizes(n: int, m: int, offset: int) -> None:
    """Numbers of queries, of keys and of keys before the queries."""
    if min(n, m, offset) < 0:
        raise ValueError(f"n, m and offset are {n}, {m} and {offset}, numbers of 0 or more were wanted")


def causal_mask(n: int, m: int, offset: int = 0, device: torch.device | None = None) -> None:
    """Sizes are no less than 0."""
    sizes(n, m, offset)


def window_mask(n: int, m: int, width: int, offset: int = 0, device: torch.device | None = None) -> None:
    """A window holds the query's own position at least."""
    sizes(n, m, offset)
    if width < 1:
        raise ValueError(f"width is {width}, 1 or more was wanted")


@looks_at_numbers
def padding_mask(lengths: Tensor, t: int, left: bool = False) -> None:
    """Lengths lie between 0 and the number of steps."""
    axes("lengths", lengths, "(batch,)", 1, 1)
    within("lengths", lengths, 0, t)
