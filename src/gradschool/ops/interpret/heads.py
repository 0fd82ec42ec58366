"""What a head of attention does, measured on texts that repeat: scores between 0 and 1 for every head.

A text of p random tokens, twice, has no statistics to learn from: the second half can only be foretold by
looking back. An induction head looks at what followed the last occurrence of the token it stands at.
Source: Olsson et al. 2022, section "Defining induction heads".
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Weights = Float[Tensor, "b h n n"]


@op
def looking_back(weights: Weights, distance: int) -> Float[Tensor, " h"]:
    """Mean weight of the position that lies so many places before a query, over the queries that have one.

    Args:
        weights: of each query (rows) on each key.
        distance: places, 0 to n - 1; 0 is the query itself, 1 the token before it.
    """
    return weights.diagonal(-distance, -2, -1).mean((0, 2))


@op
def induction_score(weights: Weights, p: int) -> Float[Tensor, " h"]:
    """Mean weight that a token's second occurrence gives to what followed its first: 1 is an induction head.

    Args:
        weights: on texts of p different tokens, twice: n = 2 p.
        p: length of the part that is repeated, >= 2.
    """
    # 1. Position i repeats i - p, and what followed that is i - p + 1.
    followed = weights.diagonal(1 - p, -2, -1)
    # 2. The diagonal begins at query p - 1, the last of the first half, which repeats nothing.
    return followed[..., 1:].mean((0, 2))
