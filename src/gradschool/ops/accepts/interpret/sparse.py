"""What the ops of sparse codes refuse; see gradschool.ops.interpret.sparse."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating


def keep_largest(f: Tensor, k: int) -> None:
    """As many features as there are, at most."""
    floating(f=f)
    axes("f", f, "(..., features)", 1)
    if not 1 <= k <= f.shape[-1]:
        raise ValueError(f"k is {k}, a whole number from 1 to {f.shape[-1]} was wanted")
