"""The first artificial neuron: it fires when enough of its inputs do and none forbids it.

Source: McCulloch and Pitts 1943. It has no weights and does not learn; the perceptron (`perceptron.py`) has
and does.
"""

from collections.abc import Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def step(s: Array | float) -> Array:
    """Heaviside step: 1 where s >= 0, else 0. A sum of exactly 0 counts as firing."""
    # 1. Compare.
    fires = np.asarray(s) >= 0
    # 2. Truth as a number.
    return fires.astype(int)


def mcculloch_pitts(excitatory: Sequence[int], inhibitory: Sequence[int], threshold: int) -> int:
    """Output of a McCulloch-Pitts neuron.

    Args:
        excitatory: inputs that make it fire, each 0 or 1.
        inhibitory: inputs that forbid it to fire, each 0 or 1.
        threshold: how many excitatory inputs must be on; 1 makes an OR, their number makes an AND.

    Returns:
        0 or 1.

    Raises:
        ValueError: an input is neither 0 nor 1.
    """
    # 1. Refuse what is not a logic value.
    if any(x not in (0, 1) for x in (*excitatory, *inhibitory)):
        raise ValueError(
            f"inputs are {excitatory} and {inhibitory}; wanted 0 or 1 each. Compare numbers first."
        )
    # 2. One inhibitory input is a veto, however many excite.
    if any(inhibitory):
        return 0
    # 3. Fire if enough inputs excite.
    return int(sum(excitatory) >= threshold)
