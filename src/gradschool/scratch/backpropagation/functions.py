"""Functions of tensors that networks need: joins, choices, the affine map, and softmax with its loss as one.

`linear` and `cross_entropy` are fused: written as one operation they need fewer passes over memory, and the
gradient of the second shrinks to probabilities minus target. Source: Goodfellow et al. 2016, section 6.5.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradschool.scratch.arrays import Array, fit
from gradschool.scratch.backpropagation import loss
from gradschool.scratch.backpropagation.tensor import Tensor, raw, result


def linear(x: Any, weight: Tensor, bias: Tensor) -> Tensor:
    """Linear layer x W + b of each row, as one operation with its backward function.

    With Y = X W + b and G the gradient of Y: the gradient of X is G W^T, that of W is X^T G, that of b is G
    summed over the rows.

    Args:
        x: inputs, (..., inputs): a tensor, or an array if no gradient in it is wanted.
        weight: W, (inputs, outputs).
        bias: b, (outputs,).

    Returns:
        (..., outputs), linked to x, weight and bias by `result`.
    """
    # 1. Forward. The bias is added in place: nobody else holds the product.
    a, w = raw(x), weight.data
    y = np.matmul(a, w)
    y += bias.data
    # 2. Backward to x, weight and bias. The bias was broadcast over the rows, so its gradient is their sum.
    return result(
        y,
        (x, lambda g: g @ w.T),
        (weight, lambda g: a.reshape(-1, len(w)).T @ g.reshape(-1, w.shape[1])),
        (bias, lambda g: fit(g, bias.data)),
    )


def concatenate(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors along an axis; each gets back its slice of the gradient."""
    # 1. Forward.
    arrays = [np.asarray(raw(tensor)) for tensor in tensors]
    y = np.concatenate(arrays, axis)
    # 2. Where each begins and ends.
    ends = np.cumsum([array.shape[axis] for array in arrays])
    # 3. Backward: each gets its own slice.
    links = []
    for tensor, array, end in zip(tensors, arrays, ends, strict=True):
        index = (slice(None),) * (axis % y.ndim) + (slice(end - array.shape[axis], end),)
        links.append((tensor, lambda g, index=index: g[index]))
    return result(y, *links)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis."""
    # 1. Give each the new axis, of length 1.
    ndim = tensors[0].ndim + 1
    index = (slice(None),) * (axis % ndim) + (None,)
    # 2. Join along it.
    return concatenate([tensor[index] for tensor in tensors], axis % ndim)


def where(condition: Array, x: Any, y: Any) -> Tensor:
    """Choose x where the condition (boolean array, a constant) holds, y elsewhere."""
    # 1. Forward.
    a, b = raw(x), raw(y)
    chosen = np.where(condition, a, b)
    # 2. Backward: the gradient goes to whoever was chosen.
    return result(
        chosen, (x, lambda g: fit(g * condition, a)), (y, lambda g: fit(g * ~np.asarray(condition), b))
    )


def log_softmax(z: Tensor, axis: int = -1) -> Tensor:
    """Logarithm of softmax, z - log sum exp z, safe for logits of any size.

    With p = softmax(z): the gradient of z is g - p sum(g).
    """
    # 1. Forward.
    y = loss.log_softmax(z.data, axis)
    # 2. Backward.
    return result(y, (z, lambda g: g - np.exp(y) * g.sum(axis=axis, keepdims=True)))


def softmax(z: Tensor, axis: int = -1) -> Tensor:
    """Turn logits into probabilities p = e^z / sum e^z; the gradient of z is p (g - sum(g p))."""
    # 1. Forward.
    p = loss.softmax(z.data, axis)
    # 2. Backward.
    return result(p, (z, lambda g: p * (g - (g * p).sum(axis=axis, keepdims=True))))


def cross_entropy(z: Tensor, labels: Array) -> Tensor:
    """Mean negative log-probability of the labels under softmax(z); the gradient of z is (p - onehot) / n.

    Args:
        z: logits, (n, classes).
        labels: whole numbers, (n,), 0 to classes - 1.

    Returns:
        One number, in nats.

    Raises:
        ValueError: shapes do not fit, or a label is out of range.
    """
    # 1. Refuse what does not fit: a negative label would silently count from the end.
    labels = np.asarray(labels)
    if z.ndim != 2 or labels.shape != z.shape[:1]:
        raise ValueError(f"logits {z.shape} with labels {labels.shape}; wanted (n, classes) with (n,)")
    if labels.size == 0 or labels.min() < 0 or labels.max() >= z.shape[1]:
        raise ValueError(f"a label is outside 0 to {z.shape[1] - 1}, or there is none; check the classes")
    # 2. Log-probabilities.
    rows = np.arange(len(labels))
    y = loss.log_softmax(z.data)
    # 3. The loss.
    mean = -y[rows, labels].mean()

    # 4. Backward, softmax and logarithm in one: probabilities, less 1 at the label.
    def back(g: Array) -> Array:
        p: Array = np.exp(y)
        p[rows, labels] -= 1
        p *= g / len(labels)
        return p

    return result(mean, (z, back))
