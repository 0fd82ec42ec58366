"""Shapes in the backward passes of `backpropagation/tensor.py`: undo a broadcast, undo a reduction."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Axis = int | tuple[int, ...] | None


def fit(g: Array, like: Any) -> Array:
    """Undo broadcasting: sum a gradient over the axes along which an operand was repeated.

    Args:
        g: gradient of the result of an operation, in the shape of the result.
        like: the operand, an array or a number; its shape broadcasts to that of g.

    Returns:
        Gradient of the operand, in the shape of `like`.
    """
    # 1. Equal shapes: nothing was repeated.
    shape = np.shape(like)
    if g.shape == shape:
        return g
    # 2. Sum away the axes that broadcasting added in front.
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    # 3. Sum along axes of length 1 that were stretched; they keep length 1.
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=stretched, keepdims=True) if stretched else g


def restored(y: Array, axis: Axis, keepdims: bool) -> Array:
    """Put the axes that a reduction took away back as length 1."""
    return y if axis is None or keepdims else np.expand_dims(y, axis)


def has_arrays(index: Any) -> bool:
    """Whether an index holds lists or arrays, and so may pick an element twice."""
    parts: Sequence[Any] = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, list | np.ndarray) for part in parts)
