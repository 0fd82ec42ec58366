"""torch-native attention, with the name and arguments of gradschool.ops.attention.dot_product.

torch's kernel for processors takes two to four times as long backwards in half precision as the products of
matrices that it stands for (torch 2.15, 16 x 3 heads of 128 positions: 15.2 against 4.0 ms), so training
takes those.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gradschool.ops.switch import mixed

MOST = 2**20  # scores of a head that are kept for the way back


def _causal_too(q: Tensor, k: Tensor, mask: Tensor | None, causal: bool) -> tuple[Tensor | None, bool]:
    """A mask and causality as the kernels take them: one of the two at most."""
    if mask is None or not causal:
        return mask, causal
    return mask & torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril(), False


def _half(q: Tensor) -> torch.dtype | None:
    """The half precision that attention would be computed in; None for others."""
    dtype = q.dtype if q.dtype == torch.float64 else mixed(q) or q.dtype
    return dtype if dtype.itemsize == 2 else None


def _written_out(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, dtype: torch.dtype
) -> Tensor:
    """Scores, softmax and weighted means in `dtype`, as three products of stacks of matrices."""
    (n, d), m = q.shape[-2:], k.shape[-2]
    batch = q.shape[:-2]
    q, k, v = (x.to(dtype).reshape(-1, *x.shape[-2:]) for x in (q, k, v))
    # 1. What is hidden gets a score so low that its weight is 0; a finite one, as a row of nothing else has
    #    no softmax otherwise.
    low = torch.finfo(dtype).min / 2
    if mask is not None:
        mask = mask.expand(*batch, n, m).reshape(-1, n, m)
        bias = torch.zeros(mask.shape, dtype=dtype, device=q.device).masked_fill_(~mask, low)
    else:
        bias = torch.full((n, m), low if causal else 0.0, dtype=dtype, device=q.device).triu(1)
    # 2. Scores with their bias in one kernel, weights, means.
    weights = torch.baddbmm(bias, q * d**-0.5, k.mT).softmax(-1)
    weights = weights if mask is None else weights.masked_fill(~mask, 0)
    return torch.bmm(weights.to(dtype), v).view(*batch, n, v.shape[-1])


def _attended(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, in_groups: bool = False
) -> Tensor:
    """Attention by the kernel that is fastest here; `in_groups`: heads of q share those of k and v."""
    mask, causal = _causal_too(q, k, mask, causal)
    dtype = _half(q)
    trains = torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v))
    if q.device.type != "cpu" or dtype is None or not trains or q.shape[-2] * k.shape[-2] > MOST:
        return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, enable_gqa=in_groups)
    if in_groups and (share := q.shape[-3] // k.shape[-3]) > 1:
        k, v = (x.repeat_interleave(share, -3) for x in (k, v))
    return _written_out(q, k, v, mask, causal, dtype)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """See ops.attention.dot_product.attend."""
    return _attended(q, k, v, mask, causal)
