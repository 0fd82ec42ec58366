"""Gradient check: compare a gradient with differences of the function itself, element by element.

Central differences, (f(x + h) - f(x - h)) / 2h, err by h^2 from curvature and by 1e-16 / h from rounding; the
best h lies near the cube root of 1e-16. Source: Press et al. 2007, Numerical Recipes, section 5.7.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.backpropagation.scalar import Value
from gradschool.scratch.backpropagation.tensor import Tensor


@dataclass(frozen=True)
class Check:
    """The worst place of a comparison.

    Args:
        error: relative error there, 0 for perfect; below 1e-6 is right, above 1e-3 is wrong.
        where: (number of the input, its index).
        claimed, measured: both values there.
    """

    error: float
    where: tuple[int, tuple[int, ...]]
    claimed: float
    measured: float


def numerical_gradient(f: Callable[[Array], float], x: Array, h: float = 6e-6) -> Array:
    """Gradient of f at x by central differences, (f(x + h) - f(x - h)) / 2h for each element.

    Args:
        f: function from an array, shaped as x, to a number.
        x: the point, any shape; not changed.
        h: step for elements of size 1 or less; for larger ones it is h times their absolute value.

    Returns:
        float64, shaped as x.
    """
    # 1. A float64 copy of x, whose elements can be moved, and room for the gradient.
    x = np.array(x, np.float64)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        # 2. Move this element alone up and down by its step, and put it back.
        here, small = x[index], h * max(1.0, float(abs(x[index])))
        x[index] = here + small
        above = f(x)
        x[index] = here - small
        below = f(x)
        x[index] = here
        # 3. Difference of f over the distance of the two points.
        gradient[index] = (above - below) / (2 * small)
    return gradient


def relative_error(claimed: Array, measured: Array) -> Array:
    """Difference over size, element by element.

    Elements a thousand times smaller than the largest are measured against a thousandth of the largest:
    differences cannot tell them from rounding.
    """
    # 1. The size of each, not below a thousandth of the largest.
    size = np.maximum(np.abs(claimed), np.abs(measured))
    size = np.maximum(size, 1e-3 * size.max(initial=0.0))
    # 2. Where both are 0 there is no error.
    difference = np.abs(claimed - measured)
    ratio: Array = np.divide(difference, size, out=np.zeros_like(size), where=size != 0)
    return ratio


def check_gradient(f: Callable[..., float], gradients: Sequence[Array], inputs: Sequence[Array]) -> Check:
    """Compare claimed gradients of a plain function with central differences, and return the worst place.

    Args:
        f: from the inputs to a number.
        gradients: claimed, one for each input.
        inputs: arrays of any shape.

    Raises:
        ValueError: a gradient does not have the shape of its input.
    """
    checks = []
    for number, (x, claimed) in enumerate(zip(inputs, gradients, strict=True)):
        # 1. Refuse a gradient of another shape: broadcasting would hide it.
        x, claimed = np.asarray(x, np.float64), np.asarray(claimed, np.float64)
        if claimed.shape != x.shape:
            raise ValueError(
                f"gradient {number} has shape {claimed.shape}; wanted {x.shape}, that of the input"
            )
        # 2. Differences in this input, the others held.
        measured = numerical_gradient(along(f, inputs, number), x)
        # 3. The worst place; NaN is worse than anything.
        errors = np.nan_to_num(relative_error(claimed, measured), nan=np.inf)
        if errors.size:
            index = tuple(int(i) for i in np.unravel_index(errors.argmax(), errors.shape))
            checks.append(
                Check(float(errors[index]), (number, index), float(claimed[index]), float(measured[index]))
            )
    return max(checks, key=lambda check: check.error)


def along(f: Callable[..., float], inputs: Sequence[Array], number: int) -> Callable[[Array], float]:
    """The function f of input `number` alone, the other inputs held where they are."""
    before, after = inputs[:number], inputs[number + 1 :]
    return lambda moving: f(*before, moving, *after)


def check_scalars(f: Callable[..., Value], *numbers: float) -> Check:
    """Check the scalar engine on f, a function of as many Values as there are numbers."""
    # 1. What the engine claims.
    inputs = [Value(number) for number in numbers]
    f(*inputs).backward()
    claimed = [np.array(value.grad) for value in inputs]
    # 2. Against differences.
    arrays = [np.array(number, np.float64) for number in numbers]
    return check_gradient(lambda *xs: f(*(Value(float(x)) for x in xs)).data, claimed, arrays)


def check_tensors(f: Callable[..., Tensor], *arrays: Any) -> Check:
    """Check the tensor engine on f, a function of as many Tensors as there are arrays, to one number."""
    # 1. What the engine claims, in float64; an input that f ignores has gradient 0.
    exact = [np.asarray(array, np.float64) for array in arrays]
    inputs = [Tensor(array, requires_grad=True) for array in exact]
    f(*inputs).backward()
    claimed = [np.zeros(t.shape) if t.grad is None else t.grad for t in inputs]
    # 2. Against differences.
    return check_gradient(lambda *xs: f(*(Tensor(x) for x in xs)).item(), claimed, exact)
