"""Slot attention: a few slots compete for the inputs, and each takes the mean of what it won.

Source: Locatello et al. 2020, section 2.1 and algorithm 1.
"""

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import softmax
from gradschool.ops.norm import wide
from gradschool.ops.switch import op


@op
def slot_attend(
    q: Float[Tensor, "*b s d"], k: Float[Tensor, "*b n d"], v: Float[Tensor, "*b n e"], eps: float = 1e-8
) -> tuple[Float[Tensor, "*b s e"], Float[Tensor, "*b s n"]]:
    """One round of the competition: softmax over the slots, then a mean over the inputs.

    Args:
        q: queries of s slots.
        k: keys of n inputs.
        v: values of the inputs.
        eps: added to every share before a slot's shares are divided by their sum: a slot that won nothing
            takes the plain mean.

    Returns:
        What each slot takes, and the shares (s, n) before the division: each input's sum to 1 over the slots.
        Both in the type of q, computed in float32 or wider.
    """
    # 1. Scores of all slots for each input; the slots, and not the inputs, share 1 among themselves.
    scores = wide(q) @ wide(k).transpose(-2, -1) / q.shape[-1] ** 0.5
    shares = softmax(scores, -2)
    # 2. Each slot's weights of the inputs sum to 1: a large object does not speak louder than a small one.
    weights = shares + eps
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights @ wide(v)).to(q.dtype), shares.to(q.dtype)
