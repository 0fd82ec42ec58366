"""torch-native attention with a bias, with the name and arguments of gradschool.ops.attention.biased."""

import torch
import torch.nn.functional as F
from torch import Tensor


def attend_with_bias(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """See ops.attention.biased.attend_with_bias."""
    bias = bias.to(q.dtype)
    if causal:
        back = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
        mask = back if mask is None else mask & back
    return F.scaled_dot_product_attention(
        q, k, v, bias if mask is None else bias.masked_fill(~mask, -torch.inf)
    )
