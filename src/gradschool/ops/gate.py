"""Gated units: one half of a layer decides how much of the other half passes.

Source: Dauphin et al. 2017 (GLU); Shazeer 2020, equations 5 and 6 (SwiGLU, without biases).
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import silu
from gradschool.ops.linear import linear
from gradschool.ops.switch import op


@op
def swiglu(x: Float[Tensor, "... f"], gate: Float[Tensor, "... f"]) -> Float[Tensor, "... f"]:
    """The product silu(gate) x: what passes can be turned round and made larger, not only kept or stopped."""
    return silu(gate) * x


@op
def feed_swiglu(
    x: Float[Tensor, "... d"], W: Float[Tensor, "f d"], V: Float[Tensor, "f d"], W2: Float[Tensor, "d f"]
) -> Float[Tensor, "... d"]:
    """A transformer's position-wise layer with a gated hidden layer: (silu(x W) * x V) W2.

    Args:
        x: d numbers at each position.
        W: weights of the gate, in torch's layout (out, in).
        V: weights of what is gated.
        W2: weights back to d numbers. With f = 8 d / 3 it has as many weights as 4 d plain units have.

    Source: Shazeer 2020, equation 6.
    """
    return linear(swiglu(linear(x, V), linear(x, W)), W2)
