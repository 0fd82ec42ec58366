"""A picture from all sides: where it has no up, its eight views have one answer, and their mean errs less.

Source: the answers of Ronneberger et al. 2015, section 4, are averaged over turned versions of each picture.
"""

from collections.abc import Callable
from math import log

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import log_softmax

VIEWS = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]


def seen(x: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Pictures (b, c, h, w) mirrored left to right or not, then turned by so many quarters."""
    return torch.rot90(x.flip(3) if mirrored else x, turns, (2, 3))


def unseen(y: Tensor, turns: int, mirrored: bool) -> Tensor:
    """The way back."""
    y = torch.rot90(y, -turns, (2, 3))
    return y.flip(3) if mirrored else y


def over_views(network: Callable[[Tensor], Tensor], x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
    """Logarithms of a network's mean probabilities over the eight views of each picture.

    Args:
        network: pictures to scores of every pixel, of any size.
        x: pictures.
    """
    total = None
    for view in VIEWS:
        answer = log_softmax(unseen(network(seen(x, *view)), *view).float(), 1)
        total = answer if total is None else torch.logaddexp(total, answer)
    assert total is not None
    return total - log(len(VIEWS))
