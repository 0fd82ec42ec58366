"""torch-native attention, with the name and arguments of gradschool.ops.attention.dot_product."""

import torch
import torch.nn.functional as F
from torch import Tensor


def _causal_too(q: Tensor, k: Tensor, mask: Tensor | None, causal: bool) -> tuple[Tensor | None, bool]:
    """A mask and causality as the kernels take them: one of the two at most."""
    if mask is None or not causal:
        return mask, causal
    return mask & torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril(), False


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """See ops.attention.dot_product.attend."""
    mask, causal = _causal_too(q, k, mask, causal)
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal)
