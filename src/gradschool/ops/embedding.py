"""A table with a vector for every token.

Source: Bengio et al. 2003, section 2 (the matrix C).
"""

from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def embedding(x: Int64[Tensor, "*n"], weight: Float[Tensor, "k d"]) -> Float[Tensor, "*n d"]:
    """The row of each token: what a one-hot vector times the table gives, without the products with zero.

    Args:
        x: tokens, 0 to k - 1.
        weight: a row of d numbers for each of the k tokens.

    Raises:
        ValueError: a token has no row.
    """
    return weight.index_select(0, x.flatten()).view(*x.shape, weight.shape[1])
