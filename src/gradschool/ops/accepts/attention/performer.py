"""What attention by random features refuses; see gradschool.ops.attention.performer."""

import torch
from torch import Tensor

from gradschool.ops.accepts.attention.linear import linear_attend
from gradschool.ops.accepts.common import axes, floating


def random_directions(
    r: int, d: int, generator: torch.Generator, orthogonal: bool = True, dtype: torch.dtype = torch.float32
) -> None:
    """One direction or more."""
    if min(r, d) < 1:
        raise ValueError(f"r is {r} and d {d}, 1 or more was wanted")


def positive_features(x: Tensor, w: Tensor) -> None:
    """Directions must have as many numbers as x."""
    floating(x=x, w=w)
    axes("w", w, "(directions, numbers)", 2, 2)
    if w.shape[1] != x.shape[-1] or not len(w):
        raise ValueError(
            f"the directions have shape {tuple(w.shape)}, one or more of {x.shape[-1]} numbers were wanted"
        )


exponents = positive_features


def performer_attend(
    q: Tensor, k: Tensor, v: Tensor, w: Tensor, valid: Tensor | None = None, causal: bool = False
) -> None:
    """What linear attention refuses, and directions that do not fit."""
    linear_attend(q, k, v, valid, causal)
    positive_features(q, w)
