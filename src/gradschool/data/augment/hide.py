"""Damage to pictures that a network is to undo: hidden squares, lines and pixels, noise.

Hidden pixels become 0, and a mask says which they are; so the network knows what it has to fill in.
Source: Pathak et al. 2016 (context encoders); missing pixels at random as in denoising autoencoders
(Vincent et al. 2008, section 2.3).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from gradschool.data.augment import draw
from gradschool.errors import UserError

Mask = Bool[Tensor, "n 1 h w"]


def squares_mask(corners: Int64[Tensor, "n k 2"], side: int, frame: tuple[int, int]) -> Mask:
    """Mask of the pixels that k squares cover, for each of n pictures.

    Args:
        corners: (row, column) of the upper left pixel of every square.
        side: of the squares, in pixels, >= 1.
        frame: height h and width w of the pictures, in pixels.

    Returns:
        (n, 1, h, w): True where at least one square of the picture covers the pixel.
    """
    # 1. Which rows each square covers, (n, k, h), and which columns, (n, k, w).
    rows = torch.arange(frame[0], device=corners.device)
    columns = torch.arange(frame[1], device=corners.device)
    top, left = corners[..., :1], corners[..., 1:]
    in_rows = (rows >= top) & (rows < top + side)
    in_columns = (columns >= left) & (columns < left + side)
    # 2. A square covers a pixel if it covers its row and its column, (n, k, h, w).
    covered = in_rows.unsqueeze(3) & in_columns.unsqueeze(2)
    # 3. One covering square is enough; the axis of squares becomes the one channel.
    return covered.any(1, keepdim=True)


def lines_mask(
    points: Float[Tensor, "n k 2"], angles: Float[Tensor, "n k"], thickness: float, frame: tuple[int, int]
) -> Mask:
    """Which pixels k straight lines cover, for each of n images.

    Args:
        points: (row, column) of one point on every line, in pixels; pixel centres are whole numbers.
        angles: between line and rows, in radians: 0 is horizontal, and the direction of a line is
            (sin, cos) in (down, right).
        thickness: of the lines, in pixels.
        frame: height and width of the images.

    Returns:
        (n, 1, h, w), True where a pixel's centre is at most thickness / 2 from one of the lines.
    """
    # 1. The vector from the point of each line to each pixel: down (n, k, h, 1) and right (n, k, 1, w).
    rows, columns = (torch.arange(size, device=points.device) for size in frame)
    down = (rows - points[..., :1]).unsqueeze(3)
    right = (columns - points[..., 1:]).unsqueeze(2)
    # 2. The distance to the line: the length of the part of this vector that is perpendicular to it.
    far = (down * angles.cos()[..., None, None] - right * angles.sin()[..., None, None]).abs()
    # 3. A pixel is covered if any of the k lines covers it; keep one channel.
    return (far <= thickness / 2).any(1, keepdim=True)


@dataclass(frozen=True)
class Damage:
    """What is done to pictures; everything is off unless given.

    Args:
        squares: how many squares are hidden in each picture; they may overlap.
        side: of the squares, in pixels.
        lines: how many straight lines are hidden in each picture, in any direction.
        thickness: of the lines, in pixels.
        pixels: probability that a pixel is hidden.
        noise: standard deviation of Gaussian noise, on the scale 0 to 1.
    Raises:
        UserError: a value is outside its range.
    """

    squares: int = 0
    side: int = 3
    lines: int = 0
    thickness: float = 2.0
    pixels: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        some = 0, math.inf
        limits = {"squares": some, "side": (1, math.inf), "lines": some, "thickness": some, "pixels": (0, 1),
                  "noise": some}  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= (value := getattr(self, name)) <= high:
                raise UserError(f"{name} is {value}", f"a number from {low} to {high}", "0 switches it off.")

    @property
    def hides(self) -> bool:
        """Whether any pixel may be hidden."""
        return self.squares > 0 or self.lines > 0 or self.pixels > 0

    def __call__(
        self, images: Float[Tensor, "n c h w"], generator: Generator
    ) -> tuple[Float[Tensor, "n c h w"], Mask]:
        """Damaged pictures, and which of their pixels are to be restored.

        Args:
            images: on the scale 0 to 1.
            generator: where the randomness comes from; on the pictures' device.

        Returns:
            Pictures with noise, 0 where hidden, and the mask: True where hidden; where nothing is ever
            hidden (noise alone) every pixel is to be restored.
        """
        # 1. Noise, everywhere.
        n, _, height, width = images.shape
        device = generator.device
        damaged = images
        if self.noise:
            damaged = images + self.noise * torch.randn(images.shape, generator=generator, device=device)
        if not self.hides:
            return damaged, torch.ones((n, 1, height, width), dtype=torch.bool, device=device)
        # 2. What is hidden becomes 0.
        mask = self.hidden(n, height, width, generator)
        return damaged.masked_fill(mask, 0.0), mask

    def hidden(self, n: int, height: int, width: int, generator: Generator) -> Mask:
        """Which pixels of n pictures are hidden.

        Raises:
            UserError: a square does not fit into the pictures.
        """
        # 1. Pixels one by one.
        mask = draw.uniform((n, 1, height, width), 0.0, 1.0, generator) < self.pixels
        # 2. Squares anywhere inside the picture.
        if self.squares:
            if self.side > min(height, width):
                what = f"squares of {self.side} pixels do not fit into pictures of {width}x{height}"
                raise UserError(
                    what, f"a side of {min(height, width)} or less", "Example: --set damage.side=3"
                )
            places = [
                draw.integers((n, self.squares), size - self.side + 1, generator) for size in (height, width)
            ]
            mask = mask | squares_mask(torch.stack(places, 2), self.side, (height, width))
        # 3. Lines through any point, in any direction.
        if self.lines:
            sides = height - 1.0, width - 1.0
            points = [draw.uniform((n, self.lines), 0.0, size, generator) for size in sides]
            angles = draw.uniform((n, self.lines), 0.0, math.pi, generator)
            mask = mask | lines_mask(torch.stack(points, 2), angles, self.thickness, (height, width))
        return mask
