"""Initialisation: the variance of first weights that keeps the mean square of activations over many layers.

Sources: Glorot and Bengio 2010, eq. 12; He et al. 2015, eq. 10.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def xavier(inputs: int, outputs: int, rng: np.random.Generator) -> Array:
    """Xavier initialisation: normal weights (inputs, outputs) for units that are linear near 0, such as tanh.

    A sum has `inputs` terms in the forward pass and `outputs` terms in the backward pass; the variance is
    2 / (inputs + outputs).
    """
    # 1. The generator takes the standard deviation, the root of the variance.
    return rng.normal(0, np.sqrt(2 / (inputs + outputs)), (inputs, outputs))


def kaiming(inputs: int, outputs: int, rng: np.random.Generator) -> Array:
    """Kaiming initialisation: normal weights for ReLU layers that keep the mean square of activations.

    Args:
        inputs: number of inputs of the layer, the terms of each unit's sum.
        outputs: number of units.
        rng: draws the weights.

    Returns:
        (inputs, outputs), float64, mean 0; a layer computes x @ weights, then ReLU.
    """
    # 1. A sum of `inputs` terms, with weights of variance v and inputs of mean square q, has mean square
    #    inputs v q. ReLU sets the negative half to 0, which halves the mean square.
    variance = 2 / inputs
    # 2. Draw; the generator takes the standard deviation.
    return rng.normal(0, np.sqrt(variance), (inputs, outputs))


def sizes(weights: Sequence[Array], x: Array, bend: Callable[[Array], Array]) -> list[float]:
    """Mean square of the input (n, inputs) and of the values after each layer, without biases."""
    # 1. Layer after layer.
    found = [float((x**2).mean())]
    for weight in weights:
        x = bend(x @ weight)
        found.append(float((x**2).mean()))
    return found
