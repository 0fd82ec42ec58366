"""The first artificial neuron: 1 if enough excitatory inputs are 1 and no inhibitory input is.

Source: McCulloch and Pitts 1943. It has no weights and does not learn; the perceptron (`perceptron.py`) has
and does.
"""

from collections.abc import Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def step(s: Array | float) -> Array:
    """Heaviside step: 1 where s >= 0, else 0. A sum of exactly 0 gives 1."""
    # 1. Compare.
    fires = np.asarray(s) >= 0
    # 2. Truth as a number.
    return fires.astype(int)


def mcculloch_pitts(excitatory: Sequence[int], inhibitory: Sequence[int], threshold: int) -> int:
    """Output of a McCulloch-Pitts neuron.

    Args:
        excitatory: inputs that count towards the threshold, each 0 or 1.
        inhibitory: inputs of which a single 1 makes the output 0, each 0 or 1.
        threshold: how many excitatory inputs must be 1 at least. A threshold of 1 gives an OR, the number of
            excitatory inputs gives an AND.

    Returns:
        The output, 0 or 1.

    Raises:
        ValueError: an input is neither 0 nor 1.
    """
    # 1. Refuse what is not a logic value.
    if any(x not in (0, 1) for x in (*excitatory, *inhibitory)):
        raise ValueError(
            f"inputs are {excitatory} and {inhibitory}; wanted 0 or 1 each. Compare numbers first."
        )
    # 2. One inhibitory input that is 1 makes the output 0.
    if any(inhibitory):
        return 0
    # 3. Otherwise the output is 1 if enough excitatory inputs are 1.
    return int(sum(excitatory) >= threshold)
