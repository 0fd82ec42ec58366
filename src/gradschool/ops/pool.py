"""Pooling: one number for each window of each channel.

Source: Scherer et al. 2010 (max against average); Zhang 2019 (blur before subsampling keeps shift
equivariance).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.conv import Pair, conv2d, output_size, pad, pair, windows
from gradschool.ops.switch import op

Image = Float[Tensor, "b c h w"]


def room(x: Image, kernel: Pair, stride: Pair, padding: Pair, ceil_mode: bool) -> tuple[int, int]:
    """Rows and columns to add at the lower right so that windows cut off by the border count too."""
    extra = []
    for size, k, s, p in zip(x.shape[2:], pair(kernel), pair(stride), pair(padding), strict=True):
        n = output_size(size, k, s, p)
        # One more window, if it would start inside the image or its left padding.
        more = ceil_mode and (size + 2 * p - k) % s and n * s < size + p
        extra.append(n * s + k - (size + 2 * p) if more else 0)
    return extra[0], extra[1]


def padded(x: Image, padding: Pair, extra: tuple[int, int], value: float) -> Float[Tensor, "b c ph pw"]:
    """A frame, and more at the lower right."""
    x = pad(x, padding, value)
    if extra == (0, 0):
        return x
    b, c, h, w = x.shape
    larger = x.new_full((b, c, h + extra[0], w + extra[1]), value)
    larger[:, :, :h, :w] = x
    return larger


@op
def max_pool2d(
    x: Image,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Float[Tensor, "b c oh ow"]:
    """The largest number in each window of each channel.

    Args:
        x: images.
        kernel_size: of the window, an int or (vertical, horizontal), as are the next three.
        stride: pixels between windows; the size of the window if None.
        padding: added on each side, at most half the window; padded pixels never win.
        dilation: pixels between taps.
        ceil_mode: whether windows that extend beyond the lower or right border count, too.

    In the backward pass the winner of each window gets the whole gradient; among equal numbers, the first.
    Only where all pixels of a window at the border are -inf does the plain form give it to the padding.
    """
    (kh, kw), (ph, pw), (dh, dw) = pair(kernel_size), pair(padding), pair(dilation)
    if 2 * ph > kh or 2 * pw > kw:
        raise ValueError(f"padding is {padding}, at most half of the window {kernel_size} was wanted")
    # 1. Without a stride, windows lie side by side.
    stride = kernel_size if stride is None else stride
    # 2. Padding that never wins, and more of it at the lower right for ceil_mode.
    extra = room(x, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), stride, padding, ceil_mode)
    framed = padded(x, padding, extra, -torch.inf)
    # 3. The largest number of every window; max, unlike amax, gives the gradient to one winner.
    patches = windows(framed, kernel_size, stride, dilation)
    return patches.flatten(-2).max(-1).values


@op
def avg_pool2d(
    x: Image,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Float[Tensor, "b c oh ow"]:
    """The mean of each window; arguments as in max_pool2d.

    Args:
        count_include_pad: padded zeros count in the mean.
    """
    stride = kernel_size if stride is None else stride
    extra = room(x, kernel_size, stride, padding, ceil_mode)
    total = windows(padded(x, padding, extra, 0.0), kernel_size, stride).sum((-2, -1))
    # A window's mean is over the places that count: with or without the frame, never what ceil_mode adds.
    ones = x.new_ones(1, 1, *x.shape[2:])
    ones = padded(pad(ones, padding, 1.0 if count_include_pad else 0.0), 0, extra, 0.0)
    return total / windows(ones, kernel_size, stride).sum((-2, -1))


@op
def adaptive_avg_pool2d(x: Image, output_size: Pair) -> Float[Tensor, "b c oh ow"]:
    """Means over a grid of so many cells, whatever the size of the image.

    Cell i of n along an axis of s pixels reaches from floor(i s / n) to ceil((i + 1) s / n); cells may
    overlap.
    """
    # Row and column means are matrices: entry (i, j) is 1 / (cell's size) where pixel j lies in cell i.
    rows, columns = (cells(s, n, x) for s, n in zip(x.shape[2:], pair(output_size), strict=True))
    return rows @ x @ columns.T


def cells(size: int, n: int, like: Tensor) -> Float[Tensor, "n size"]:
    """The averaging matrix of adaptive pooling along one axis."""
    i, j = torch.arange(n, device=like.device).unsqueeze(1), torch.arange(size, device=like.device)
    inside = ((j >= i * size // n) & (j < ((i + 1) * size + n - 1) // n)).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)


@op
def global_avg_pool2d(x: Image) -> Float[Tensor, "b c"]:
    """The mean of each channel. Source: Lin et al. 2014, section 3.2."""
    return x.mean((2, 3))


@op
def blur_pool2d(x: Image, stride: Pair = 2) -> Float[Tensor, "b c oh ow"]:
    """Blur with the filter (1, 2, 1) / 4 along both axes, then subsample, against aliasing.

    Args:
        x: images.
        stride: pixels between the positions that are kept; the first one is kept.

    Source: Zhang 2019, section 3.2.
    """
    _, c, h, w = x.shape
    # 1. The filter: a column (1, 2, 1) / 4 times a row (1, 2, 1) / 4, the same for every channel.
    line = torch.tensor([1.0, 2.0, 1.0], dtype=x.dtype, device=x.device) / 4
    filters = (line.unsqueeze(1) * line).expand(c, 1, 3, 3)
    # 2. Pad by one mirrored pixel on each side: zeros would darken the edge.
    rows, columns = mirrored(h, x.device), mirrored(w, x.device)
    framed = x[:, :, rows][:, :, :, columns]
    # 3. Convolve every channel by itself with this stride.
    return conv2d(framed, filters, None, stride, 0, 1, c)


def mirrored(size: int, device: torch.device) -> Tensor:
    """Indices of an axis with one more at each end, mirrored about the outermost pixel."""
    index = torch.arange(-1, size + 1, device=device).abs()
    return torch.where(index >= size, 2 * size - 2 - index, index).clamp(min=0)
