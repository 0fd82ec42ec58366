"""First weights of deep networks: how large they must be for a signal to arrive as large as it started.

Sources: Glorot and Bengio 2010, eq. 12; He et al. 2015, eq. 10.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def xavier(inputs: int, outputs: int, rng: np.random.Generator) -> Array:
    """Normal weights (inputs, outputs) for units that are linear near 0, such as tanh.

    Forward a sum has `inputs` terms, backward `outputs`: the variance is 2 / (inputs + outputs).
    """
    # 1. The deviation is the variance's root.
    return rng.normal(0, np.sqrt(2 / (inputs + outputs)), (inputs, outputs))


def kaiming(inputs: int, outputs: int, rng: np.random.Generator) -> Array:
    """Normal weights (inputs, outputs) for rectified units: what leaves a layer is as large as what came in.

    Args:
        inputs: terms of each unit's sum.
        outputs: units.
        rng: draws them.
    """
    # 1. A sum of `inputs` terms, each of mean square q and weights of variance v, has variance inputs v q.
    #    The rectifier sets half of it to 0: the mean square that leaves is half of that.
    variance = 2 / inputs
    # 2. Draw.
    return rng.normal(0, np.sqrt(variance), (inputs, outputs))


def sizes(weights: Sequence[Array], x: Array, bend: Callable[[Array], Array]) -> list[float]:
    """Mean square of the input (n, inputs) and of the values after each layer, without biases."""
    # 1. Layer after layer.
    found = [float((x**2).mean())]
    for weight in weights:
        x = bend(x @ weight)
        found.append(float((x**2).mean()))
    return found
