"""Moving pixels: flips, crops, resizing and projective warps of a batch, each image with its own parameters.

Flips and crops are one gather and keep uint8; resized crops are two matrix products, with the triangle
filter of an antialiased resize in the matrices; all that is affine or projective is one 3 x 3 matrix and
one sampling pass. With `nearest` the same parameters move masks of class numbers. Integer images are 0 to
255, floating ones 0 to 1; boxes are (top, left, height, width) in pixels; parameters may lie on the CPU
when the images do not.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

Edge = Literal["black", "mirror"]
Pixels = Shaped[Tensor, "n c h w"]


def unit(images: Pixels) -> Float[Tensor, "n c h w"]:
    """Pixels as floats from 0 to 1; floating images are taken as they are."""
    return images if images.is_floating_point() else images * (1 / 255)


def each(values: Shaped[Tensor, " n"], images: Pixels) -> Shaped[Tensor, "n 1 1 1"]:
    """One number for each image, on its device, ready to be multiplied with it."""
    return values.to(images.device).view(-1, 1, 1, 1)


def hflip(images: Pixels, which: Bool[Tensor, " n"]) -> Pixels:
    """Mirror the images at `which` left to right."""
    return torch.where(each(which, images), images.flip(3), images)


def crop_and_flip(
    images: Pixels,
    offsets: Int64[Tensor, "n 2"],
    flipped: Bool[Tensor, " n"],
    padding: int,
    edge: Edge = "black",
) -> Pixels:
    """Random crops and mirroring: pad every side, cut a window of the old size, mirror some of the images.

    Pixels are only moved, so the result is exact in any dtype.

    Args:
        images: any dtype, (n, c, h, w).
        offsets: (top, left) corner of each image's window in the padded image, each 0 to 2 * padding.
        flipped: for each image, whether its window is mirrored left to right after cutting.
        padding: pixels added on every side.
        edge: "black" pads with zeros, "mirror" reflects without repeating the border.
    Returns:
        Images of the same size and dtype.
    """
    height, width = images.shape[2:]
    # 1. Which row (n, h) and which column (n, w) of the image each pixel of the window shows. Indices below 0
    #    or beyond the last one are padding.
    rows = offsets[:, :1] + torch.arange(height, device=offsets.device) - padding
    columns = offsets[:, 1:] + torch.arange(width, device=offsets.device) - padding
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    # 2. Mirrored edges: reflect the indices into the image. Black edges: pad it, and count from its corner.
    if edge == "mirror":
        rows, columns = mirrored(rows, height), mirrored(columns, width)
    elif padding:
        images, rows, columns = F.pad(images, (padding,) * 4), rows + padding, columns + padding
    return take_pixels(images, rows, columns)


def mirrored(places: Int64[Tensor, "n k"], size: int) -> Int64[Tensor, "n k"]:
    """Reflect places outside 0 to size - 1 back inside, without repeating the border."""
    if size == 1:
        return torch.zeros_like(places)
    places = places.remainder(2 * size - 2)
    return torch.minimum(places, 2 * size - 2 - places)


def take_pixels(
    images: Pixels, rows: Int64[Tensor, "n out_h"], columns: Int64[Tensor, "n out_w"]
) -> Shaped[Tensor, "n c out_h out_w"]:
    """The pixels where each image's own rows and columns cross."""
    n, c, _, width = images.shape
    places = (rows[:, :, None] * width + columns[:, None, :]).to(images.device)
    index = places.view(n, 1, -1).expand(n, c, -1)
    return images.reshape(n, c, -1).gather(2, index).view(n, c, rows.shape[1], columns.shape[1])


def resize(images: Pixels, size: tuple[int, int], nearest: bool = False) -> Shaped[Tensor, "n c out_h out_w"]:
    """Resize all alike, antialiased, to floats from 0 to 1; `nearest` picks pixels and keeps the dtype."""
    if tuple(images.shape[2:]) == tuple(size):
        return images if nearest else unit(images)
    if nearest:
        whole = torch.tensor([[0, 0, *images.shape[2:]]]).expand(len(images), 4)
        return resized_crop(images, whole, size, nearest=True)
    pixels = unit(images)
    exact = pixels if pixels.dtype.itemsize >= 4 else pixels.float()  # on a CPU it knows no half precision
    return F.interpolate(exact, size, mode="bilinear", antialias=True).to(pixels.dtype)


def fit(images: Pixels, size: tuple[int, int], nearest: bool = False) -> Shaped[Tensor, "n c out_h out_w"]:
    """Resize images of another size; what has this size stays as it is, bytes too."""
    return images if tuple(images.shape[2:]) == tuple(size) else resize(images, size, nearest)


def resized_crop(
    images: Pixels, boxes: Int64[Tensor, "n 4"], size: tuple[int, int], nearest: bool = False
) -> Shaped[Tensor, "n c out_h out_w"]:
    """Cut a box out of each image and resize it, antialiased.

    A resize is linear and separable: `rows @ image @ columns^T`, with one pair of small matrices an image.

    Args:
        images: uint8 or floating, (n, c, h, w).
        boxes: top, left, height, width in pixels, inside the image.
        size: height and width of the result, in pixels.
        nearest: pick the nearest pixel instead of averaging, and keep the dtype (masks).
    Returns:
        Floats from 0 to 1, or the dtype that came with `nearest`.
    """
    (top, left, height, width), (out_height, out_width) = boxes.unbind(1), size
    if nearest:
        rows, columns = nearest_places(top, height, out_height), nearest_places(left, width, out_width)
        return take_pixels(images, rows, columns)
    rows = resize_weights(top, height, images.shape[2], out_height).to(images.device)
    columns = resize_weights(left, width, images.shape[3], out_width).to(images.device)
    # All of an image's channels share one product; the other needs the matrices once a channel.
    n, channels = images.shape[:2]
    pixels = unit(images)
    rows, columns = rows.to(pixels.dtype), columns.to(pixels.dtype)
    narrow = (pixels.flatten(1, 2) @ columns.mT).view(n * channels, -1, out_width)
    return (rows.repeat_interleave(channels, 0) @ narrow).view(n, channels, *size)


def nearest_places(
    start: Int64[Tensor, " n"], length: Int64[Tensor, " n"], out: int
) -> Int64[Tensor, "n out"]:
    """For each of `out` places the pixel of [start, start + length) under its centre."""
    centres = (torch.arange(out, device=start.device) + 0.5) / out
    return start[:, None] + (centres * length[:, None]).long()


def resize_weights(
    start: Int64[Tensor, " n"], length: Int64[Tensor, " n"], size: int, out: int
) -> Float[Tensor, "n out size"]:
    """How much each of `size` pixels counts for each of `out` places when [start, start + length) is resized.

    A triangle around the place's centre, one pixel wide either way, wider where it shrinks (antialias).
    """
    factor = length[:, None] / out
    centres = start[:, None] + (torch.arange(out, device=start.device) + 0.5) * factor
    pixels = torch.arange(size, device=start.device)
    distance = (pixels + 0.5 - centres[:, :, None]).abs() / factor.clamp(min=1)[:, :, None]
    inside = (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
    weights = (1 - distance).clamp(min=0) * inside[:, None]
    return weights / weights.sum(2, keepdim=True)


def affine_matrices(
    angle: Float[Tensor, " n"],
    translate: Float[Tensor, "n 2"],
    scale: Float[Tensor, " n"],
    shear: Float[Tensor, "n 2"],
) -> Float[Tensor, "n 3 3"]:
    """Matrices for `warp`: shear, scale, rotate about the centre, then shift.

    Args:
        angle: degrees, clockwise.
        translate: right and down, in pixels.
        scale: factor > 0; above 1 magnifies.
        shear: along x and along y, in degrees.
    Returns:
        From a place in the result to the place in the image it shows, (x, y, 1) in pixels from the centre.
    Source: torchvision's RandomAffine, whose forward matrix T R(a) S H_y H_x is built here and inverted.
    """
    radians, tilt = angle.deg2rad(), shear.deg2rad().tan()
    one, zero = torch.ones_like(angle), torch.zeros_like(angle)
    rotation = pairs(radians.cos(), -radians.sin(), radians.sin(), radians.cos())
    shear_y, shear_x = pairs(one, zero, -tilt[:, 1], one), pairs(one, -tilt[:, 0], zero, one)
    linear = rotation @ shear_y @ shear_x * scale[:, None, None]
    matrices = torch.eye(3, device=angle.device).repeat(len(angle), 1, 1)
    matrices[:, :2, :2], matrices[:, :2, 2] = linear, translate
    inverse: Tensor = torch.linalg.inv(matrices)
    return inverse


def pairs(
    a: Float[Tensor, " n"], b: Float[Tensor, " n"], c: Float[Tensor, " n"], d: Float[Tensor, " n"]
) -> Float[Tensor, "n 2 2"]:
    """Matrices [[a, b], [c, d]]."""
    return torch.stack([torch.stack([a, b], 1), torch.stack([c, d], 1)], 1)


def perspective_matrices(corners: Float[Tensor, "n 4 2"], height: int, width: int) -> Float[Tensor, "n 3 3"]:
    """Matrices for `warp` that carry the image's corners to `corners`.

    Args:
        corners: where top left, top right, bottom right and bottom left go, (x, y) in pixels from top left.
        height: of the images, in pixels.
        width: of the images, in pixels.
    Source: Heckbert 1989, section 2.2.3: eight linear equations for eight unknowns, the ninth being 1.
    """
    n, device = len(corners), corners.device
    centre = torch.tensor([width / 2, height / 2], device=device)
    home = torch.tensor([[0, 0], [width, 0], [width, height], [0, height]], device=device) - centre
    away, home = (corners - centre).double(), home.double().expand(n, 4, 2)
    # 1. Each corner gives x' (g x + h y + 1) = a x + b y + c, and the same for y' with d, e, f.
    one, zero = torch.ones(n, 4, 1, device=device).double(), torch.zeros(n, 4, 3, device=device).double()
    place = torch.cat([away, one], 2)
    for_x = torch.cat([place, zero, -home[:, :, :1] * away], 2)
    for_y = torch.cat([zero, place, -home[:, :, 1:] * away], 2)
    # 2. Solve for a to h.
    unknowns = torch.linalg.solve(torch.cat([for_x, for_y], 1), torch.cat([home[:, :, 0], home[:, :, 1]], 1))
    return torch.cat([unknowns, one[:, 0]], 1).view(n, 3, 3).float()


def warp(
    images: Pixels, matrices: Float[Tensor, "n 3 3"], edge: Edge = "black", nearest: bool = False
) -> Pixels:
    """Show at each place of the result what `matrices` say: one sampling pass, bilinear.

    Args:
        images: uint8 or floating, (n, c, h, w).
        matrices: from result to image, in pixels from the centre; a product of several does them all at once.
        edge: "black" beyond the border, or "mirror" (which here repeats the outermost pixel).
        nearest: pick the nearest pixel and keep the dtype (masks).
    Returns:
        Floats from 0 to 1, or the dtype that came with `nearest`.
    """
    n, _, height, width = images.shape
    # 1. Every place of the result, in pixels from the centre.
    y = torch.arange(height, device=matrices.device) - (height - 1) / 2
    x = torch.arange(width, device=matrices.device) - (width - 1) / 2
    places = torch.stack(
        [x.expand(height, width), y[:, None].expand(height, width), torch.ones_like(x).expand(height, width)],
        2,
    )
    # 2. Where that lies in the image, from -1 to 1 between its borders.
    seen = places.view(1, -1, 3) @ matrices.mT
    half = torch.tensor([width / 2, height / 2], device=matrices.device)
    grid = (seen[:, :, :2] / (seen[:, :, 2:] * half)).view(n, height, width, 2).to(images.device)
    # 3. Sample.
    beyond = "zeros" if edge == "black" else "reflection"
    if nearest:
        return F.grid_sample(images.float(), grid, "nearest", beyond, align_corners=False).to(images.dtype)
    pixels = unit(images)
    return F.grid_sample(pixels, grid.to(pixels.dtype), "bilinear", beyond, align_corners=False)
