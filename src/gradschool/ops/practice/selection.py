"""A step of greedy ensemble selection: what the ensemble would lose with each member added to it.

Source: Caruana et al. 2004, Ensemble Selection from Libraries of Models, section 2.
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

LEAST = 1e-12  # a probability is at least this, so that one sure mistake does not decide everything


@op
def candidate_losses(
    known: Float[Tensor, "m n"], chosen: Float[Tensor, " n"], count: int
) -> Float[Tensor, " m"]:
    """The log-loss of the ensemble with each member added to it.

    Args:
        known: the probability that each of m members gives the true class of n examples, 0 to 1.
        chosen: the sum of these probabilities over the members chosen so far, (n,); zeros at the first step.
        count: members in the ensemble with the new one, >= 1. A member may be chosen again.

    Returns:
        (m,) losses in nats. A mean probability below 1e-12 counts as 1e-12.

    Source: Caruana et al. 2004, section 2.
    """
    # 1. The mean probability of the true class with each member added.
    mixed = (known + chosen) / count
    # 2. The log-loss.
    return -mixed.clamp(min=LEAST).log().mean(1)
