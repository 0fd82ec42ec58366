"""Random parameters for a batch of images, one per image, each from the caller's generator.

Drawing is kept apart from applying (`geometry.py`, `colour.py`, `mix.py`), so that what is applied can be
compared with torchvision and a mask can be given the same parameters as its image. Every tensor lies on the
generator's device.
"""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from gradschool.data.augment.geometry import affine_matrices, perspective_matrices
from gradschool.errors import UserError


def uniform(
    shape: int | tuple[int, ...], low: float, high: float, generator: Generator
) -> Float[Tensor, "..."]:
    """Numbers spread evenly over [low, high)."""
    shape = (shape,) if isinstance(shape, int) else shape
    return torch.rand(shape, generator=generator, device=generator.device) * (high - low) + low


def integers(shape: tuple[int, ...], high: int, generator: Generator) -> Int64[Tensor, "..."]:
    """Whole numbers from 0 to high - 1."""
    return torch.randint(high, shape, generator=generator, device=generator.device)


def coins(n: int, p: float, generator: Generator) -> Bool[Tensor, " n"]:
    """True with probability p."""
    return uniform(n, 0.0, 1.0, generator) < p


def factors(n: int, strength: float, generator: Generator) -> Float[Tensor, " n"]:
    """Factors from max(0, 1 - strength) to 1 + strength, as torchvision's ColorJitter draws them."""
    return uniform(n, max(0.0, 1 - strength), 1 + strength, generator)


def beta(n: int, alpha: float, generator: Generator) -> Float[Tensor, " n"]:
    """Numbers from Beta(alpha, alpha): near 0 or 1 for a small alpha, even for alpha = 1.

    PyTorch's own sampler takes no generator; NumPy's is seeded by a draw from ours.
    """
    seed = torch.randint(2**62, (), generator=generator, device=generator.device).item()
    drawn = np.random.default_rng(int(seed)).beta(alpha, alpha, n)
    return torch.from_numpy(drawn).float().to(generator.device)


def crop_boxes(
    n: int, side: tuple[int, int], area: tuple[float, float], aspect: tuple[float, float],
    generator: Generator, attempts: int = 10,
) -> Int64[Tensor, "n 4"]:  # fmt: skip
    """Boxes (top, left, height, width) in whole pixels, of a random share of the area and a random shape.

    Args:
        n: boxes.
        side: height and width of the images, in pixels.
        area: smallest and largest share of the image's area, in (0, 1].
        aspect: smallest and largest width / height; drawn evenly in its logarithm.
        generator: where the randomness comes from.
        attempts: candidates for each image; the first that fits is taken, and the whole image if none does.
    Source: Szegedy et al. 2015, section 6; torchvision's RandomResizedCrop draws such candidates one by one.
    """
    height, width = side
    # 1. All candidates of all images at once.
    share = uniform((n, attempts), *area, generator) * height * width
    shape = uniform((n, attempts), math.log(aspect[0]), math.log(aspect[1]), generator).exp()
    w, h = (share * shape).sqrt().round().long(), (share / shape).sqrt().round().long()
    # 2. The first that fits; the whole image where none does.
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    first = fits.long().argmax(1, keepdim=True)
    none = ~fits.any(1)
    w, h = (
        w.gather(1, first)[:, 0].masked_fill(none, width),
        h.gather(1, first)[:, 0].masked_fill(none, height),
    )
    # 3. A place for it, every one equally likely.
    top = (uniform(n, 0.0, 1.0, generator) * (height - h + 1)).long()
    left = (uniform(n, 0.0, 1.0, generator) * (width - w + 1)).long()
    return torch.stack([top, left, h, w], 1)


def cutout_boxes(n: int, side: tuple[int, int], size: int, generator: Generator) -> Int64[Tensor, "n 4"]:
    """Squares of `size` pixels around any pixel, cut off at the border (DeVries and Taylor 2017)."""
    height, width = side
    top = integers((n,), height, generator) - size // 2
    left = integers((n,), width, generator) - size // 2
    return clipped(top, left, torch.full_like(top, size), torch.full_like(top, size), height, width)


def cutmix_boxes(
    share: Float[Tensor, " n"], side: tuple[int, int], generator: Generator
) -> Int64[Tensor, "n 4"]:
    """Boxes of the image's shape that cover `share` of it, around any pixel, cut off at the border.

    Source: Yun et al. 2019 (CutMix), equation 2.
    """
    n, (height, width) = len(share), side
    half_h, half_w = (0.5 * share.sqrt() * height).long(), (0.5 * share.sqrt() * width).long()
    top, left = integers((n,), height, generator) - half_h, integers((n,), width, generator) - half_w
    return clipped(top, left, 2 * half_h, 2 * half_w, height, width)


def clipped(
    top: Int64[Tensor, " n"], left: Int64[Tensor, " n"], h: Int64[Tensor, " n"], w: Int64[Tensor, " n"],
    height: int, width: int,
) -> Int64[Tensor, "n 4"]:  # fmt: skip
    """Boxes (top, left, height, width) with what lies outside the image cut off."""
    bottom, right = (top + h).clamp(max=height), (left + w).clamp(max=width)
    top, left = top.clamp(min=0), left.clamp(min=0)
    return torch.stack([top, left, bottom - top, right - left], 1)


def affine(
    n: int, side: tuple[int, int], rotate: float, translate: float, scale: tuple[float, float], shear: float,
    generator: Generator,
) -> Float[Tensor, "n 3 3"]:  # fmt: skip
    """Matrices of random rotations, shifts, scalings and shears about the centre.

    Args:
        n: matrices.
        side: height and width of the images, in pixels.
        rotate: largest angle either way, in degrees.
        translate: largest shift either way, as a share of the side.
        scale: smallest and largest factor; above 1 magnifies.
        shear: largest horizontal shear either way, in degrees.
        generator: where the randomness comes from.
    """
    height, width = side
    angle = uniform(n, -rotate, rotate, generator)
    reach = torch.tensor([translate * width, translate * height], device=generator.device)
    shift = (uniform((n, 2), -1.0, 1.0, generator) * reach).round()
    tilt = torch.stack([uniform(n, -shear, shear, generator), torch.zeros_like(angle)], 1)
    return affine_matrices(angle, shift, uniform(n, *scale, generator), tilt)


def perspective(
    n: int, side: tuple[int, int], distortion: float, generator: Generator
) -> Float[Tensor, "n 3 3"]:
    """Matrices that move each corner inwards by up to `distortion` of half the side, in [0, 1)."""
    if not 0 <= distortion < 1:
        raise UserError(f"perspective is {distortion}", "a number from 0 to below 1", "Try 0.3.")
    height, width = side
    reach = torch.tensor([width, height], device=generator.device) * distortion / 2
    inwards = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]], device=generator.device)
    corners = torch.tensor([[0, 0], [width, 0], [width, height], [0, height]], device=generator.device)
    return perspective_matrices(
        corners + inwards * reach * uniform((n, 4, 2), 0.0, 1.0, generator), height, width
    )
