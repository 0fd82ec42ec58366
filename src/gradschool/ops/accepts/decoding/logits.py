"""What the changes of logits refuse; see gradschool.ops.decoding.logits."""

import math

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, looks_at_numbers, within


def scored(x: Tensor) -> None:
    """Logits of one token or more."""
    floating(x=x)
    axes("x", x, "(..., tokens)", 1)
    if x.shape[-1] < 1:
        raise ValueError(f"x has shape {tuple(x.shape)}, logits of one token or more were wanted")


def share(p: float) -> None:
    """A number from 0 to 1."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}, a number from 0 to 1 was wanted")


def temperature(x: Tensor, t: float) -> None:
    """A temperature of 0 or more."""
    scored(x)
    if not 0 <= t < math.inf:
        raise ValueError(f"t is {t}, a number >= 0 was wanted")


def top_k(x: Tensor, k: int) -> None:
    """One token or more."""
    scored(x)
    if k < 1:
        raise ValueError(f"k is {k}, a whole number >= 1 was wanted")


def top_p(x: Tensor, p: float) -> None:
    """A share."""
    scored(x)
    share(p)


def min_p(x: Tensor, p: float) -> None:
    """A share."""
    scored(x)
    share(p)


@looks_at_numbers
def repetition_penalty(x: Tensor, seen: Tensor, penalty: float) -> None:
    """Tokens that there are, and a penalty above 0."""
    scored(x)
    if seen.shape[:-1] != x.shape[:-1]:
        raise ValueError(f"seen has shape {tuple(seen.shape)} and x {tuple(x.shape)}, a row each was wanted")
    within("seen", seen, -1, x.shape[-1] - 1)
    if not 0 < penalty < math.inf:
        raise ValueError(f"penalty is {penalty}, a number > 0 was wanted")
