"""Attention: every query gets a mean of the values, weighted by how well their keys match it.

Source: Vaswani et al. 2017, section 3.2.1, equation 1. A query that may look at nothing gets zeros, as in
torch, where a plain softmax over nothing would give NaN.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def attend(
    q: Float[Tensor, "*b n d"],
    k: Float[Tensor, "*b m d"],
    v: Float[Tensor, "*b m e"],
    mask: Bool[Tensor, "... #n #m"] | None = None,
    causal: bool = False,
) -> Float[Tensor, "*b n e"]:
    """Scaled dot-product attention: softmax(q kᵀ / √d) v; scores of any size do not overflow.

    Args:
        q: queries of n positions.
        k: keys of m positions.
        v: values of the same m positions.
        mask: True where a query may look; None lets it look everywhere.
        causal: position i may look at positions 0 to i only.

    Returns:
        One weighted mean of values for each query; zeros for a query that may look nowhere.

    Source: Vaswani et al. 2017, equation 1.
    """
    n, m, d = q.shape[-2], k.shape[-2], q.shape[-1]
    # 1. A score for each query and key; √d keeps the variance of a sum of d products at 1.
    scores = q @ k.transpose(-2, -1) / d**0.5
    # 2. Hidden positions get the score minus infinity.
    if causal:
        scores = scores.masked_fill(~torch.ones(n, m, dtype=torch.bool, device=q.device).tril(), -torch.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    # 3. Weights: exponentials, divided so that each query's sum to 1. The largest score is subtracted first.
    top = scores.amax(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)
    weights = (scores - top).exp()
    weights = weights / weights.sum(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).tiny)
    # 4. The mean of the values under these weights.
    return weights @ v
