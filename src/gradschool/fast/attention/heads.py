"""torch-native grouped attention, with the name and arguments of gradschool.ops.attention.heads."""

import torch.nn.functional as F
from torch import Tensor

from gradschool.fast.attention.dot_product import _causal_too


def attend_in_groups(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """See ops.attention.heads.attend_in_groups."""
    mask, causal = _causal_too(q, k, mask, causal)
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, enable_gqa=True)
