"""Discs, squares and rings in noise, with the class of every pixel: segmentation that is learned in seconds.

All shapes are equally bright, so a pixel's class follows from what is around it; rings are thin, so that a
small map loses them.
"""

import torch
from jaxtyping import Float, Int64
from torch import Generator, Tensor

from gradschool.data.augment import draw

KINDS = ("disc", "square", "ring")  # classes 1, 2, 3; the background is 0
HALF_SIDE = 0.886  # of a square that is as large as a disc of radius 1
HALF_LINE = 0.75  # of a ring, in pixels


def shapes(
    n: int,
    side: int,
    generator: Generator,
    each: int = 3,
    radius: tuple[float, float] = (3.0, 6.0),
    kinds: int = 3,
) -> tuple[Float[Tensor, "n 1 h w"], Int64[Tensor, "n h w"]]:
    """Pictures, brightness about 0 to 1 with noise of deviation 0.3, and the class of every pixel.

    Args:
        n: how many pictures.
        side: of a picture, in pixels.
        generator: where the randomness comes from.
        each: shapes in a picture; later ones lie on top of earlier ones.
        radius: shortest and longest, in pixels.
        kinds: the first so many of disc, square and ring occur.
    """
    # 1. What lies where, (n, each, 1, 1) and, for centres, (n, each, 2).
    kind = draw.integers((n, each), kinds, generator)[..., None, None]
    centre = draw.uniform((n, each, 2), 0.0, float(side), generator)
    r = draw.uniform((n, each), *radius, generator)[..., None, None]
    # 2. How far every pixel is from each centre: straight, and along the farther axis.
    places = torch.arange(side) + 0.5
    down = (places - centre[..., :1]).abs().unsqueeze(3)
    right = (places - centre[..., 1:]).abs().unsqueeze(2)
    far, box = torch.hypot(down, right), torch.maximum(down, right)
    # 3. Which pixels each shape covers, and the last shape that covers a pixel.
    disc, square, ring = far <= r, box <= HALF_SIDE * r, (far - r).abs() <= HALF_LINE
    inside = torch.where(kind == 0, disc, torch.where(kind == 1, square, ring))
    mask = torch.zeros(n, side, side, dtype=torch.int64)
    for i in range(each):
        mask = torch.where(inside[:, i], kind[:, i] + 1, mask)
    # 4. The picture.
    noise = torch.randn(mask.shape, generator=generator)
    return ((mask > 0) + 0.3 * noise).unsqueeze(1), mask
