"""Attention whose scores are more than products: with a bias, or from a small network.

Sources: Raffel et al. 2020, section 2.1, and Press et al. 2022 (a bias for each distance); Bahdanau et al.
2015, appendix A.1.2 (additive attention).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.activation import tanh
from gradschool.ops.norm import wide
from gradschool.ops.switch import op

Mask = Bool[Tensor, "..."]


@op
def weights_of(scores: Float[Tensor, "*b n m"], mask: Mask | None = None) -> Float[Tensor, "*b n m"]:
    """Softmax over the keys that a query may look at.

    Args:
        scores: finite numbers of any size.
        mask: True where a query may look.

    Returns:
        Each row sums to 1, or is 0 where a query may look at nothing; half precision is summed in float32.
    """
    # 1. Minus infinity where nothing may be seen.
    s = wide(scores) if mask is None else wide(scores).masked_fill(~mask, -torch.inf)
    # 2. Exponentials; the largest is 1, and a row of minus infinities stays a row of zeros.
    top = s.detach().amax(-1, keepdim=True).clamp(min=torch.finfo(s.dtype).min)
    e = (s - top).exp()
    return (e / e.sum(-1, keepdim=True).clamp(min=torch.finfo(s.dtype).tiny)).to(scores.dtype)


@op
def attend_with_bias(
    q: Float[Tensor, "*b n d"],
    k: Float[Tensor, "*b m d"],
    v: Float[Tensor, "*b m e"],
    bias: Float[Tensor, "... #n #m"],
    mask: Bool[Tensor, "... #n #m"] | None = None,
    causal: bool = False,
) -> Float[Tensor, "*b n e"]:
    """Scaled dot-product attention with a bias: softmax(q kᵀ / √d + bias) v.

    Args:
        q: queries of n positions.
        k: keys of m positions.
        v: values of the same m positions.
        bias: added to the scores, e.g. `alibi_bias` or a learned number for each bucket of distances.
        mask: True where a query may look; None lets it look everywhere.
        causal: position i may look at positions 0 to i only.

    Returns:
        One weighted mean of values for each query; zeros for a query that may look nowhere.
    """
    # 1. Scores, with the bias.
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5 + bias.to(q.dtype)
    # 2. Weights over what may be seen.
    if causal:
        back = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
        mask = back if mask is None else mask & back
    # 3. The mean of the values.
    return weights_of(scores, mask) @ v


@op
def additive_attend(
    q: Float[Tensor, "*b n a"],
    k: Float[Tensor, "*b m a"],
    v: Float[Tensor, "*b m e"],
    w: Float[Tensor, " a"],
    mask: Bool[Tensor, "... #n #m"] | None = None,
) -> tuple[Float[Tensor, "*b n e"], Float[Tensor, "*b n m"]]:
    """Additive attention: a score is wᵀ tanh(q + k), a network with one hidden layer of a units.

    Args:
        q: W s of the queries (states of a decoder), projected to a numbers.
        k: U h of the keys (states of an encoder), projected to a numbers; computed once for all queries.
        v: values, usually the h themselves.
        w: weights of the hidden units.
        mask: True where a query may look.

    Returns:
        The mean of the values for each query (the context; zeros where nothing may be seen), and the weights.

    Source: Bahdanau et al. 2015, appendix A.1.2.
    """
    # 1. A hidden layer for each pair of a query and a key.
    hidden = tanh(q.unsqueeze(-2) + k.unsqueeze(-3))
    # 2. Scores, weights, the mean.
    weights = weights_of(hidden @ w, mask)
    return weights @ v, weights
