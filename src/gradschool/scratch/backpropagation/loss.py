"""Losses and their gradients, derived by hand: softmax with negative log-likelihood, and the squared error.

Source: Goodfellow et al. 2016, sections 6.2.1 and 6.2.2. Logits are called z, outputs y, targets t. Losses
are means over the rows of a batch, so a learning rate does not depend on the size of the batch.
"""

import numpy as np

from gradschool.scratch.arrays import Array


def log_softmax(z: Array, axis: int = -1) -> Array:
    """Logarithm of softmax, z - log sum exp z, for logits of any size and shape."""
    # 1. Subtract the largest: exp stays within range and the result does not change.
    shifted = z - z.max(axis=axis, keepdims=True)
    # 2. Subtract the logarithm of the sum.
    log_p: Array = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return log_p


def softmax(z: Array, axis: int = -1) -> Array:
    """Probabilities e^z / sum e^z of logits z: (1, 2, 3) becomes (.09, .24, .67).

    Args:
        z: logits, any shape, real numbers of any size.
        axis: the classes are along this axis; all others are independent rows.

    Returns:
        As z: from 0 to 1, sums along the axis are 1.
    """
    # 1. Subtract the largest logit of each row: exp does not overflow, and the result does not change.
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    # 2. Divide by the sum of the row.
    p: Array = e / e.sum(axis=axis, keepdims=True)
    return p


def log_softmax_gradient(z: Array, target: int) -> Array:
    """Gradient of log softmax(z)[target] in the logits: onehot(target) - softmax(z).

    By hand: log p_t = z_t - log sum_j e^z_j. The first term gives 1 at the target, the second takes
    e^z_i / sum_j e^z_j = p_i from every place.

    Args:
        z: logits, (classes,).
        target: which class, 0 to classes - 1.

    Returns:
        (classes,): for z = (1, 2, 3) and the second class, (-.09, .755, -.67).
    """
    # 1. What the logarithm of the sum takes from every logit: its probability.
    gradient = -softmax(z)
    # 2. What the target's own logit adds.
    gradient[target] += 1
    return gradient


def nll(z: Array, labels: Array) -> float:
    """Mean negative log-probability of the labels under softmax(z), in nats.

    Args:
        z: logits, (n, classes).
        labels: whole numbers, (n,), 0 to classes - 1.
    """
    # 1. Log-probabilities of all classes.
    log_p = log_softmax(z)
    # 2. Those of the labels; fewer nats, better.
    return float(-log_p[np.arange(len(labels)), labels].mean())


def nll_gradient(z: Array, labels: Array) -> Array:
    """Gradient of `nll` in the logits: (probability minus target) / n.

    Args:
        z: logits, (n, classes).
        labels: the right class of each row, whole numbers from 0 to classes - 1, (n,).

    Returns:
        (n, classes). The target is 1 at the label of the row and 0 elsewhere.
    """
    # 1. Probabilities.
    gradient: Array = softmax(z)
    # 2. Subtract the target: 1 at the label of each row.
    gradient[np.arange(len(labels)), labels] -= 1
    # 3. The loss is a mean over the n rows.
    return gradient / len(labels)


def sse(y: Array, t: Array) -> float:
    """Half the sum of squared errors of a row, mean over rows; y and t (n, outputs)."""
    # 1. Errors.
    error = y - t
    # 2. Half of their squares: the gradient is then the error itself.
    return float(0.5 * (error**2).sum() / len(y))


def sse_gradient(y: Array, t: Array) -> Array:
    """Gradient of `sse` in the outputs: (y - t) / n, (n, outputs)."""
    # 1. Errors.
    error: Array = y - t
    # 2. The loss is a mean over rows.
    return error / len(y)


def sigmoid(z: Array) -> Array:
    """Logistic function 1 / (1 + e^-z), through tanh: it does not overflow for large negative z."""
    half = 0.5 * np.asarray(z)
    return 0.5 * (1 + np.tanh(half))


def binary_nll(z: Array, t: Array) -> float:
    """Cross-entropy of sigmoid(z) with targets 0 to 1, mean over all elements, in nats."""
    # 1. -t log y - (1 - t) log(1 - y) with y = sigmoid(z) is log(1 + e^z) - t z.
    losses = np.logaddexp(0, z) - t * z
    return float(losses.mean())


def binary_nll_gradient(z: Array, t: Array) -> Array:
    """Gradient of `binary_nll` in the logits: (sigmoid(z) - t) / number of elements."""
    # 1. The slope of the sigmoid cancels: what is left is the error.
    error: Array = sigmoid(z) - t
    return error / np.size(error)
