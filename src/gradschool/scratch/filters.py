"""Filters by hand: convolution of signals, edges with two kinds of borders, and filters that are products.

Sources: Dumoulin and Visin 2016, chapter 1 (what slides over what); Prewitt 1970 (edges). Convolution here is
the mathematicians', which turns the filter round; `ops/conv.py` has deep learning's, which does not.
"""

from typing import Literal

import numpy as np

from gradschool.scratch.arrays import Array

Border = Literal["constant", "reflect"]


def convolve(signal: Array, kernel: Array) -> Array:
    """Convolve two sequences: y[t] is the sum of kernel[d] * signal[t - d] over all delays d.

    Args:
        signal: n numbers, zero outside.
        kernel: k numbers; kernel[d] is what is left of an impulse d places later.

    Returns:
        n + k - 1 numbers: every t at which the two overlap.
    """
    # 1. Room for every place.
    y = np.zeros(len(signal) + len(kernel) - 1)
    # 2. Each tap adds a copy of the signal, delayed by the tap's index and scaled by the tap.
    for delay, tap in enumerate(kernel):
        y[delay : delay + len(signal)] += tap * np.asarray(signal)
    return y


def prewitt(image: Array, border: Border = "constant") -> Array:
    """How steeply an image changes at each pixel: the length of the gradient that two 3x3 filters measure.

    One filter subtracts the sum of the column on the left from that on the right, (-1, 0, 1) in each of its
    three rows; the other does the same with the rows above and below.

    Args:
        image: (h, w), grey values.
        border: what is beyond the edge: "constant" puts zeros there, "reflect" mirrors the image about its
            outermost pixels, which are not repeated. Both are modes of np.pad.

    Returns:
        (h, w), the root of the sum of both squares.

    Source: Prewitt 1970.
    """
    # 1. A frame of one pixel, so that the window finds a place at every pixel.
    framed = np.pad(np.asarray(image, float), 1, mode=border)
    # 2. Right minus left, summed over the row and its two neighbours; below minus above, over columns.
    across, down = framed[:, 2:] - framed[:, :-2], framed[2:] - framed[:-2]
    across = across[:-2] + across[1:-1] + across[2:]
    down = down[:, :-2] + down[:, 1:-1] + down[:, 2:]
    # 3. The gradient's length.
    return np.hypot(across, down)


def separate(kernel: Array) -> tuple[Array, Array] | None:
    """Write a filter as a column times a row, if it is one: then k + k taps do the work of k x k.

    Args:
        kernel: (h, w), not all zeros.

    Returns:
        A column (h,) and a row (w,) whose outer product is the filter; the row is 1 where the filter is
        largest in size. None if there is no such pair: the filter's rank is above 1.

    Raises:
        ValueError: the filter is zero everywhere.
    """
    kernel = np.asarray(kernel, float)
    if not kernel.any():
        raise ValueError("the filter is zero everywhere, one with a tap was wanted; leave it out")
    # 1. Of a product, all columns are multiples of one another, and so are all rows: take those through the
    #    tap that is largest in size, the row scaled so that the two give back this tap.
    i, j = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    column, row = kernel[:, j], kernel[i] / kernel[i, j]
    # 2. Only a product gives back all the others.
    return (column, row) if np.allclose(np.outer(column, row), kernel) else None
