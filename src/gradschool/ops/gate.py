"""Gated units: one half of a layer decides how much of the other half passes.

Source: Dauphin et al. 2017 (GLU); Shazeer 2020, equation 5 (SwiGLU).
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import silu
from gradschool.ops.switch import op


@op
def swiglu(x: Float[Tensor, "... f"], gate: Float[Tensor, "... f"]) -> Float[Tensor, "... f"]:
    """The product silu(gate) x: what passes can be turned round and made larger, not only kept or stopped."""
    return silu(gate) * x
