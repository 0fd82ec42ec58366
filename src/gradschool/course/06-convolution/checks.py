"""Checks of chapter 6: the oracle is torch's convolution in float64."""

from itertools import count

import torch
import torch.nn.functional as F

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

SUMS = Tolerance(1e-4, 1e-5, "float32 sums of at most 75 products of numbers near 1, against float64")
GRADS = Tolerance(1e-3, 1e-4, "float32 sums over all places of at most 3 images, against float64")


def oracle(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Torch's convolution, computed in float64, in the dtype of the images."""
    wide = None if bias is None else bias.double()
    return F.conv2d(x.double(), weight.double(), wide, stride, padding, dilation, groups).to(x.dtype)


def conv2d(ladder: Ladder) -> None:
    """Odd sizes, pairs, groups, a slice that is not contiguous; then linearity, shift and batch."""
    # 1. Every argument alone, and all together; pairs that differ between the axes.
    seeds = count()
    cases = [
        case("a 1x1 image, a 1x1 filter", seeds, (1, 1, 1, 1), (1, 1, 1, 1)),
        case("3 images of 2 channels, 5x7, filters 3x2", seeds, (3, 2, 5, 7), (4, 2, 3, 2)),
        case("a bias", seeds, (2, 3, 6, 6), (4, 3, 3, 3), bias=True),
        case("padding (2, 0)", seeds, (1, 1, 4, 5), (2, 1, 3, 3), padding=(2, 0)),
        case("stride (1, 3)", seeds, (1, 2, 7, 9), (2, 2, 3, 3), stride=(1, 3)),
        case("dilation 2", seeds, (1, 2, 9, 8), (3, 2, 3, 3), dilation=2),
        case("2 groups", seeds, (2, 4, 5, 5), (6, 2, 3, 3), groups=2),
        case("depthwise", seeds, (2, 3, 5, 5), (3, 1, 3, 3), groups=3, padding=1, bias=True),
        case("everything at once", seeds, (2, 4, 11, 8), (4, 2, 3, 2), True,
             stride=(2, 1), padding=(1, 2), dilation=(2, 1), groups=2),
        strided(seeds),
    ]  # fmt: skip
    ladder.agrees(cases, oracle, SUMS)
    ladder.gradients([cases[2], cases[8]], oracle, GRADS)
    # 2. Convolution is linear, commutes with a shift, and treats the images of a batch alone.
    x, weight = (draw(next(seeds), *shape) for shape in ((2, 2, 8, 8), (3, 2, 3, 3)))
    y = ladder.subject(x, weight)
    ladder.same("conv(2x) = 2 conv(x)", ladder.subject(2 * x, weight), 2 * y, SUMS)
    shifted = ladder.subject(x.roll(1, -1), weight)
    ladder.same("A shifted image gives a shifted result, which", shifted[..., 1:], y[..., :-1], SUMS)
    ladder.same("Each image of a batch is treated alone, which", ladder.subject(x[1:], weight), y[1:], SUMS)


def draw(seed: int, *shape: int) -> torch.Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def case(about, seeds, image, filters, bias=False, **kwargs) -> Case:
    """A random image and filters of given shapes."""
    args = [draw(next(seeds), *image), draw(next(seeds), *filters)]
    return Case(about, (*args, draw(next(seeds), filters[0])) if bias else tuple(args), kwargs)


def strided(seeds) -> Case:
    """An image that is a view with the channels last in memory."""
    x = draw(next(seeds), 2, 6, 5, 3).permute(0, 3, 1, 2)
    return Case("an image whose memory is not contiguous", (x, draw(next(seeds), 2, 3, 2, 2)))
