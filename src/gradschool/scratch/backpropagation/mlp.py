"""A multi-layer perceptron of any depth with backpropagation written out by hand: no automatic anything.

Source: Rumelhart, Hinton and Williams 1986. A layer is (W, b) with W (inputs, outputs) and b (outputs,); the
last layer is linear and its output goes to a loss of `scratch/backpropagation/loss.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.backpropagation.loss import nll, nll_gradient, sigmoid, sse, sse_gradient

Layers = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Activation:
    """An activation function: its value at z, and its derivative computed from that value."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


@dataclass(frozen=True)
class Loss:
    """A loss of outputs and targets, and its gradient in the outputs."""

    value: Callable[[Array, Array], float]
    gradient: Callable[[Array, Array], Array]


TANH = Activation(np.tanh, lambda h: 1 - h * h)
RELU = Activation(lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(h.dtype))
SIGMOID = Activation(sigmoid, lambda h: h * (1 - h))
SOFTMAX_NLL = Loss(nll, nll_gradient)
SSE = Loss(sse, sse_gradient)


def init(sizes: Sequence[int], rng: np.random.Generator) -> Layers:
    """Layers between consecutive sizes: normal weights of variance 1 / inputs (LeCun 1998), biases 0."""
    # 1. With this variance sums of many inputs are as large as sums of few.
    layers = []
    for inputs, outputs in pairwise(sizes):
        weight = rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)
        layers.append((weight, np.zeros(outputs)))
    return layers


def forward(layers: Layers, x: Array, activation: Activation = TANH) -> list[Array]:
    """Values of all layers: the input (n, inputs), each hidden layer's activations, the linear output."""
    # 1. Remember every layer's value: backpropagation needs them.
    values = [x]
    # 2. Hidden layers have an activation function.
    for weight, bias in layers[:-1]:
        values.append(activation.value(values[-1] @ weight + bias))
    # 3. The last layer is linear.
    weight, bias = layers[-1]
    values.append(values[-1] @ weight + bias)
    return values


def backward(layers: Layers, values: list[Array], delta: Array, activation: Activation = TANH) -> Layers:
    """The backward pass: gradients of the loss in all weights and biases.

    Args:
        layers: (W, b) of each layer, first to last; W (inputs, outputs), b (outputs,).
        values: what `forward` returned: values[k] is the input of layer k, (n, inputs of layer k). For k > 0
            it is the activation of the layer before. The last entry is the output.
        delta: gradient of the loss in the output, (n, outputs). It holds the mean over the rows already.
        activation: of the hidden layers; `activation.slope(h)` is the derivative where the activation is h.

    Returns:
        (dW, db) of each layer, first to last, in the shapes of W and b.
    """
    gradients: Layers = []
    for k in reversed(range(len(layers))):
        # 1. Gradient of a weight: its input times the delta of its output, summed over rows; bias: the sum.
        gradients.append((values[k].T @ delta, delta.sum(axis=0)))
        # 2. Delta of the layer before: back through the weights, then through its activation function.
        if k > 0:
            delta = (delta @ layers[k][0].T) * activation.slope(values[k])
    return gradients[::-1]


def loss_and_gradients(
    layers: Layers, x: Array, targets: Array, activation: Activation = TANH, loss: Loss = SOFTMAX_NLL
) -> tuple[float, Layers]:
    """Loss of a batch and its gradient in every weight and bias.

    Args:
        layers: the net.
        x: (n, inputs).
        targets: labels (n,) for SOFTMAX_NLL, (n, outputs) for SSE.
        activation: TANH, RELU or SIGMOID.
        loss: SOFTMAX_NLL or SSE.
    """
    # 1. Forward.
    values = forward(layers, x, activation)
    # 2. The loss and its gradient in the output.
    value, delta = loss.value(values[-1], targets), loss.gradient(values[-1], targets)
    # 3. Back.
    return value, backward(layers, values, delta, activation)


def moved(layers: Layers, gradients: Layers, learning_rate: float) -> Layers:
    """The layers after one step of gradient descent; the old ones are not changed."""
    # 1. Against the gradient, every weight and bias.
    new = []
    for (weight, bias), (dw, db) in zip(layers, gradients, strict=True):
        new.append((weight - learning_rate * dw, bias - learning_rate * db))
    return new
