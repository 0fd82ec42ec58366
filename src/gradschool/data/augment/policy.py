"""RandAugment on a batch: each image gets a few of 14 operations, all of one strength (Cubuk et al. 2020).

Operations and ranges are torchvision's. Deviations: sampling is bilinear, and shears keep the image's
centre in place, so that its content stays in view. Images that drew the same operation are done together,
all geometric ones in one warp.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from gradschool.data.augment import colour, draw
from gradschool.data.augment.geometry import Edge, Pixels, affine_matrices, unit, warp

STRONGEST = 30
GEOMETRIC = ("identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate")
# Strength s is -1 to 1; operations that have only one direction take its size.
COLOURS: dict[str, Callable[[Float[Tensor, "n c h w"], Float[Tensor, " n"]], Float[Tensor, "n c h w"]]] = {
    "brightness": lambda x, s: colour.brightness(x, 1 + 0.9 * s),
    "saturation": lambda x, s: colour.saturation(x, 1 + 0.9 * s),
    "contrast": lambda x, s: colour.contrast(x, 1 + 0.9 * s),
    "sharpness": lambda x, s: colour.sharpness(x, 1 + 0.9 * s),
    "posterize": lambda x, s: colour.posterize(x, 8 - (4 * s.abs()).round()),
    "solarize": lambda x, s: colour.solarize(x, 1 - s.abs()),
    "autocontrast": lambda x, s: colour.autocontrast(x),
    "equalize": lambda x, s: colour.equalize(x),
}
OPERATIONS = (*GEOMETRIC, *COLOURS)


@dataclass(frozen=True)
class Choice:
    """One operation for each image: its place in OPERATIONS and its signed strength, -1 to 1."""

    which: Int64[Tensor, " n"]
    strength: Float[Tensor, " n"]

    def matrices(self, height: int, width: int) -> Float[Tensor, "n 3 3"]:
        """What the geometric operations do; the identity for the others."""
        s = self.strength
        amount = {name: s * (self.which == i) for i, name in enumerate(GEOMETRIC)}
        reach = torch.tensor([width, height], device=s.device) * 150 / 331
        shift = (torch.stack([amount["translate_x"], amount["translate_y"]], 1) * reach).trunc()
        shear = torch.stack([amount["shear_x"], amount["shear_y"]], 1).mul(0.3).atan().rad2deg()
        return affine_matrices(-30 * amount["rotate"], shift, torch.ones_like(s), shear)

    def is_moving(self) -> Bool[Tensor, " n"]:
        """Which images a geometric operation moves."""
        return (self.which > 0) & (self.which < len(GEOMETRIC))


def choose(n: int, magnitude: float, generator: Generator) -> Choice:
    """Draw one operation an image, all equally likely, and its direction; magnitude is 0 to 30."""
    sign = torch.where(draw.coins(n, 0.5, generator), 1.0, -1.0)
    return Choice(draw.integers((n,), len(OPERATIONS), generator), sign * magnitude / STRONGEST)


def apply(images: Pixels, choice: Choice, edge: Edge = "black") -> Float[Tensor, "n c h w"]:
    """Apply each image's operation."""
    images = move(unit(images), choice, edge)
    for i, recolour in enumerate(COLOURS.values(), start=len(GEOMETRIC)):
        chosen = (choice.which == i).nonzero()[:, 0]
        if len(chosen):
            images[chosen.to(images.device)] = recolour(
                images[chosen.to(images.device)], choice.strength[chosen]
            )
    return images


def move(images: Pixels, choice: Choice, edge: Edge = "black", nearest: bool = False) -> Pixels:
    """Apply only the geometric operations, to a copy; with `nearest` to masks, which keep their dtype."""
    images, moving = images.clone(), choice.is_moving().nonzero()[:, 0]
    if len(moving):
        matrices, there = choice.matrices(*images.shape[2:])[moving], moving.to(images.device)
        images[there] = warp(images[there], matrices, edge, nearest)
    return images


def randaugment(
    images: Pixels, operations: int, magnitude: float, generator: Generator
) -> Float[Tensor, "n c h w"]:
    """A few random operations after one another, drawn anew for each image.

    Args:
        images: floats from 0 to 1 or bytes, (n, c, h, w).
        operations: how many after one another, e.g. 2.
        magnitude: strength of all, 0 to 30; e.g. 9.
        generator: where the randomness comes from.
    Source: Cubuk et al. 2020 (RandAugment), figure 2.
    """
    for _ in range(operations):
        images = apply(images, choose(len(images), magnitude, generator))
    return images
