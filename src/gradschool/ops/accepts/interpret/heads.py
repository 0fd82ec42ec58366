"""What the scores of heads refuse; see gradschool.ops.interpret.heads."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating


def looking_back(weights: Tensor, distance: int) -> None:
    """Weights of as many queries as keys, and a distance within the text."""
    floating(weights=weights)
    axes("weights", weights, "(batch, heads, queries, keys)", 4, 4)
    if not 0 <= distance < weights.shape[-1] or weights.shape[-2] != weights.shape[-1]:
        raise ValueError(
            f"weights have shape {tuple(weights.shape)} and the distance is {distance}; as many queries as "
            "keys and a distance below their number were wanted"
        )


def induction_score(weights: Tensor, p: int) -> None:
    """Texts that repeat once."""
    floating(weights=weights)
    axes("weights", weights, "(batch, heads, queries, keys)", 4, 4)
    if p < 2 or tuple(weights.shape[-2:]) != (2 * p, 2 * p):
        raise ValueError(
            f"weights have shape {tuple(weights.shape)} and p is {p}; 2 p queries and keys and p >= 2 were "
            "wanted"
        )
