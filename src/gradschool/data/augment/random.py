"""Random changes to a batch of images, every image its own: draw parameters, then apply them.

Each function is `draw.py` followed by `geometry.py`, `colour.py` or `mix.py`; call those two by hand to see
or reuse the parameters, for instance on masks. Nothing loops over images. `pipeline.py` strings them all.
"""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Generator, Tensor

from gradschool.data.augment import colour, draw, mix
from gradschool.data.augment.geometry import (
    Edge,
    Pixels,
    crop_and_flip,
    each,
    hflip,
    resized_crop,
    unit,
    warp,
)

Colours = Float[Tensor, "n c h w"]
AREA, ASPECT = (0.08, 1.0), (3 / 4, 4 / 3)
ERASED, ERASED_ASPECT = (0.02, 0.33), (0.3, 3.3)


def side(images: Pixels) -> tuple[int, int]:
    """Height and width."""
    return images.shape[2], images.shape[3]


def random_flip(images: Pixels, generator: Generator, p: float = 0.5) -> Pixels:
    """Mirror left to right with probability p."""
    return hflip(images, draw.coins(len(images), p, generator))


def random_crop(images: Pixels, padding: int, generator: Generator, edge: Edge = "black") -> Pixels:
    """Shift by up to `padding` pixels each way: pad, then cut a window of the old size."""
    n = len(images)
    still = torch.zeros(n, dtype=torch.bool, device=generator.device)
    return crop_and_flip(images, draw.integers((n, 2), 2 * padding + 1, generator), still, padding, edge)


def random_resized_crop(
    images: Pixels,
    size: tuple[int, int],
    generator: Generator,
    area: tuple[float, float] = AREA,
    aspect: tuple[float, float] = ASPECT,
) -> Shaped[Tensor, "n c out_h out_w"]:
    """Cut out a random share of the area in a random shape and resize it (Szegedy et al. 2015, section 6)."""
    boxes = draw.crop_boxes(len(images), side(images), area, aspect, generator)
    return resized_crop(images, boxes, size)


def random_rotation(images: Pixels, degrees: float, generator: Generator, edge: Edge = "black") -> Colours:
    """Turn about the centre by up to `degrees` either way."""
    return random_affine(images, generator, rotate=degrees, edge=edge)


def random_affine(
    images: Pixels,
    generator: Generator,
    rotate: float = 0.0,
    translate: float = 0.0,
    scale: tuple[float, float] = (1.0, 1.0),
    shear: float = 0.0,
    edge: Edge = "black",
) -> Colours:
    """Turn, shift, scale and shear in one pass; ranges as for `draw.affine`."""
    matrices = draw.affine(len(images), side(images), rotate, translate, scale, shear, generator)
    return warp(images, matrices, edge)


def random_perspective(
    images: Pixels, distortion: float, generator: Generator, edge: Edge = "black"
) -> Colours:
    """Move the corners inwards by up to `distortion` of half the side, as if seen from elsewhere."""
    return warp(images, draw.perspective(len(images), side(images), distortion, generator), edge)


def random_jitter(
    images: Pixels,
    generator: Generator,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> Colours:
    """Change brightness, contrast, saturation and hue, in this order.

    Args:
        images: floats from 0 to 1 or bytes, (n, c, h, w).
        generator: where the randomness comes from.
        brightness: factors from 1 - this to 1 + this; likewise the next two.
        contrast: see brightness.
        saturation: see brightness.
        hue: turn of the colour circle either way, 0 to 0.5.
    """
    strengths = (
        (colour.brightness, brightness),
        (colour.contrast, contrast),
        (colour.saturation, saturation),
    )
    images = unit(images)
    for change, strength in strengths:
        if strength:
            images = change(images, draw.factors(len(images), strength, generator))
    return colour.hue(images, draw.uniform(len(images), -hue, hue, generator)) if hue else images


def random_grey(images: Pixels, p: float, generator: Generator) -> Colours:
    """Take the colour out with probability p; the number of channels stays."""
    images, which = unit(images), draw.coins(len(images), p, generator)
    return torch.where(each(which, images), colour.luminance(images), images)


def random_blur(
    images: Pixels, p: float, generator: Generator, sigma: tuple[float, float] = (0.1, 2.0)
) -> Colours:
    """Gaussian blur with probability p; sigma in pixels, drawn evenly."""
    images, chosen = unit(images), draw.coins(len(images), p, generator).nonzero()[:, 0]
    drawn = draw.uniform(len(images), *sigma, generator)[chosen]
    radius = min(math.ceil(3 * sigma[1]), min(side(images)) - 1)
    there = chosen.to(images.device)
    return images.index_copy(0, there, colour.blur(images[there], drawn, radius)) if len(chosen) else images


def random_cutout(images: Pixels, size: int, generator: Generator) -> Pixels:
    """Fill a square of `size` pixels with 0 (DeVries and Taylor 2017)."""
    return mix.erase(images, draw.cutout_boxes(len(images), side(images), size, generator))


def random_erasing(images: Pixels, p: float, generator: Generator) -> Pixels:
    """With probability p, fill a box of 2 to 33 % of the area, of any shape, with 0 (Zhong et al. 2020)."""
    boxes = draw.crop_boxes(len(images), side(images), ERASED, ERASED_ASPECT, generator)
    return mix.erase(images, boxes * draw.coins(len(images), p, generator)[:, None])
