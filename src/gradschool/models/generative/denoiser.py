"""A denoising U-Net: an encoder and a decoder with skip connections; every block is given the time.

Source: Ho et al. 2020, appendix B. Deviations: the time scales and shifts (Dhariwal and Nichol 2021), and
the small sizes treat squares of 2x2 pixels as one position with four times the channels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from gradschool import nn
from gradschool.nn.denoiser import Norm, PlaceAttention, TimeAndClass, TimeBlock, Upsample, normal, silent

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Form:
    """Sizes of a denoising U-Net.

    Args:
        width: channels of the first level, a multiple of 4.
        levels: multiples of the width; between two levels the sides are halved.
        blocks: residual blocks a level on the way down; one more on the way up.
        attention: levels, counted from 0, that have self-attention; if there are any, so has the middle.
        norm: "group" or "batch".
        patch: side of the squares of pixels that are one position; 1 for single pixels.
        dropout: inside the blocks.
        timed: False hides the time from the network.
        head: channels of an attention head.
    """

    width: int = 32
    levels: tuple[int, ...] = (1, 2, 4)
    blocks: int = 1
    attention: tuple[int, ...] = ()
    norm: Norm = "group"
    patch: int = 1
    dropout: float = 0.0
    timed: bool = True
    head: int = 32


class Denoiser(nn.Module):
    """Maps a noisy image, its time (0 to about 1000) and optionally its class to an image of the same shape.

    Args:
        shape: channels, height and width; sides must be multiples of patch * 2 ** (levels - 1).
        classes: how many classes can be given; class number `classes` means "not given".
        form: see `Form`.
    """

    def __init__(self, shape: Shape, classes: int, form: Form) -> None:
        super().__init__()
        channels, height, width = shape
        unit = form.patch * 2 ** (len(form.levels) - 1)
        if height % unit or width % unit:
            raise ValueError(
                f"pictures are {width}x{height}, sides that are multiples of {unit} were wanted; "
                f"resize, e.g. size={max(unit, -(-height // unit) * unit)}"
            )
        self.shape, self.classes, self.form = shape, classes, form
        self.told = TimeAndClass(form.width, classes, form.timed)
        inside, widths = channels * form.patch**2, [form.width * m for m in form.levels]
        # 1. Encoder: every map is kept for the decoder.
        self.stem = nn.Conv2d(inside, widths[0], 3, padding=1)
        kept, now, down = [widths[0]], widths[0], []
        for level, wide in enumerate(widths):
            for _ in range(form.blocks):
                down.append(self.block(level in form.attention, now, wide))
                kept.append(now := wide)
            if level < len(widths) - 1:
                down.append(nn.ModuleList([nn.Conv2d(now, now, 3, 2, 1)]))
                kept.append(now)
        # 2. Middle, at the lowest resolution.
        middle = [self.block(bool(form.attention), now, now), self.block(False, now, now)]
        # 3. Decoder: each block also gets the encoder's map of its size (skip connection).
        up = []
        for level in reversed(range(len(widths))):
            for _ in range(form.blocks + 1):
                up.append(self.block(level in form.attention, now + kept.pop(), widths[level]))
                now = widths[level]
            if level:
                up[-1].append(Upsample(now))
        self.down, self.middle, self.up = nn.ModuleList(down), nn.ModuleList(middle), nn.ModuleList(up)
        self.out = nn.Sequential(
            normal(form.norm, now), nn.SiLU(), silent(nn.Conv2d(now, inside, 3, padding=1))
        )

    def block(self, attends: bool, before: int, after: int) -> nn.ModuleList:
        """A residual block, followed by self-attention if wanted."""
        form = self.form
        parts = [TimeBlock(before, after, 4 * form.width, form.norm, form.dropout)]
        return nn.ModuleList([*parts, PlaceAttention(after, form.head, form.norm)] if attends else parts)

    def forward(
        self, x: Float[Tensor, "b c h w"], time: Float[Tensor, " b"], y: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b c h w"]:
        told = self.told(time, y)
        x = self.stem(pixel_unshuffle(x, self.form.patch))
        kept = [x]
        for parts in self.down:
            kept.append(x := through(parts.children(), x, told))
        for parts in self.middle:
            x = through(parts.children(), x, told)
        for parts in self.up:
            x = through(parts.children(), torch.cat([x, kept.pop()], 1), told)
        return pixel_shuffle(self.out(x), self.form.patch)


def through(parts: Iterable[nn.Module], x: Tensor, told: Tensor) -> Tensor:
    """Through layers; residual blocks are also given time and class."""
    for part in parts:
        x = part(x, told) if isinstance(part, TimeBlock) else part(x)
    return x


def denoiser_small(
    shape: Shape, classes: int = 0, width: int = 32, norm: Norm = "group", timed: bool = True
) -> Denoiser:
    """For digits on a laptop: 2x2 pixels a position, three levels, attention at the lowest."""
    return Denoiser(shape, classes, Form(width, (1, 2, 4), 1, (2,), norm, 2, timed=timed))


def denoiser_tiny(
    shape: Shape, classes: int = 0, width: int = 16, norm: Norm = "group", timed: bool = True
) -> Denoiser:
    """Two levels of single pixels, for 8x8 digits."""
    return Denoiser(shape, classes, Form(width, (1, 2), 1, (1,), norm, timed=timed, head=16))


def denoiser_medium(
    shape: Shape, classes: int = 0, width: int = 64, norm: Norm = "group", dropout: float = 0.1
) -> Denoiser:
    """For small colour images on a GPU: four levels of single pixels, attention at the second and third."""
    return Denoiser(shape, classes, Form(width, (1, 2, 2, 2), 2, (1, 2), norm, 1, dropout))


def denoiser_ddpm(shape: Shape, classes: int = 0, dropout: float = 0.1) -> Denoiser:
    """The size of Ho et al. 2020 for CIFAR-10."""
    return Denoiser(shape, classes, Form(128, (1, 2, 2, 2), 2, (1,), "group", 1, dropout, head=256))
