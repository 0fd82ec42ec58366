"""Filters by hand: convolution of signals, edges with two kinds of padding, and separable filters.

Sources: Dumoulin and Visin 2016, chapter 1 (what slides over what); Prewitt 1970 (edges). Convolution here
turns the kernel round, as in mathematics; `ops/conv.py` does not, as in deep learning.
"""

from typing import Literal

import numpy as np

from gradschool.scratch.arrays import Array

Border = Literal["constant", "reflect"]


def convolve(signal: Array, kernel: Array) -> Array:
    """Convolve two sequences: y[t] is the sum of kernel[d] * signal[t - d] over all delays d.

    Args:
        signal: n numbers; zero outside.
        kernel: k numbers; kernel[d] is the response to an impulse, d positions later.

    Returns:
        n + k - 1 numbers: one for every position t at which the two overlap.
    """
    # 1. Zeros for every position.
    y = np.zeros(len(signal) + len(kernel) - 1)
    # 2. Each tap adds a copy of the signal, delayed by the index of the tap and multiplied by the tap.
    for delay, tap in enumerate(kernel):
        y[delay : delay + len(signal)] += tap * np.asarray(signal)
    return y


def prewitt(image: Array, border: Border = "constant") -> Array:
    """How steeply an image changes at each pixel: the length of the gradient, measured by two 3x3 filters.

    The first filter has the taps (-1, 0, 1) in each of its three rows: the column on the right minus the
    column on the left. The second is its transpose: the row below minus the row above.

    Args:
        image: (h, w), grey values of any dtype, bytes as well.
        border: the padding. "constant" puts zeros beyond the edge; "reflect" mirrors the image about its
            outermost pixels, which are not repeated. Both are modes of np.pad.

    Returns:
        (h, w): the root of the sum of the squares of both filters' outputs.

    Source: Prewitt 1970.
    """
    # 1. Pad by one pixel, so that the window fits at every pixel.
    framed = np.pad(np.asarray(image, float), 1, mode=border)
    # 2. Right minus left, summed over each row and its two neighbours; below minus above, over columns.
    across, down = framed[:, 2:] - framed[:, :-2], framed[2:] - framed[:-2]
    across = across[:-2] + across[1:-1] + across[2:]
    down = down[:, :-2] + down[:, 1:-1] + down[:, 2:]
    # 3. The length of the gradient.
    return np.hypot(across, down)


def separate(kernel: Array) -> tuple[Array, Array] | None:
    """Write a filter as a column times a row, if it is separable: then k + k taps do the work of k x k.

    Args:
        kernel: (h, w), not all zeros.

    Returns:
        A column (h,) and a row (w,) whose outer product is the filter. The row is 1 at the tap of the filter
        with the largest absolute value. None if there is no such pair: the rank of the filter is above 1.
        Rounding is forgiven as a small share of the largest tap, so filters of any scale are judged alike.

    Raises:
        ValueError: the filter is zero everywhere.
    """
    kernel = np.asarray(kernel, float)
    if not kernel.any():
        raise ValueError("the filter is zero everywhere, one with a tap was wanted; leave it out")
    # 1. In a product, all columns are multiples of each other, and so are all rows. Take the column and the
    #    row through the tap with the largest absolute value, and divide the row by this tap.
    i, j = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    column, row = kernel[:, j], kernel[i] / kernel[i, j]
    # 2. The filter is separable only if their product gives all taps.
    rounding = 1e-8 * abs(kernel[i, j])
    return (column, row) if np.allclose(np.outer(column, row), kernel, 0, rounding) else None
