"""Causal linear attention by chunks: squares within a chunk, one matrix from chunk to chunk.

See gradschool.ops.attention.linear. Running sums of matrices at every step would fill n d e numbers.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gradschool.ops.attention.linear import ratio
from gradschool.ops.norm import wide

CHUNK = 64  # places; squares of this size are products that a processor does well


def elu_features(x: Tensor) -> Tensor:
    """See ops.attention.linear.elu_features."""
    return F.elu(x) + 1


def linear_attend(
    q: Tensor, k: Tensor, v: Tensor, valid: Tensor | None = None, causal: bool = False
) -> Tensor:
    """See ops.attention.linear.linear_attend."""
    f, g, u = wide(q), wide(k), wide(v)
    if valid is not None:
        g, u = (x.masked_fill(~valid.unsqueeze(-1), 0) for x in (g, u))
    # 1. The sums of weights come with the values, as one more column of ones.
    u = torch.cat([u, torch.ones_like(u[..., :1])], -1)
    if not causal:
        both = f @ (g.transpose(-2, -1) @ u)
        return ratio(both[..., :-1], both[..., -1]).to(q.dtype)
    # 2. Chunks side by side; what is added at the end has no features.
    n = q.shape[-2]
    f, g, u = (F.pad(x, (0, 0, 0, -n % CHUNK)) for x in (f, g, u))
    f, g, u = (x.reshape(*x.shape[:-2], -1, CHUNK, x.shape[-1]) for x in (f, g, u))
    sums = g.transpose(-2, -1) @ u
    before = F.pad(sums[..., :-1, :, :].cumsum(-3), (0, 0, 0, 0, 1, 0))
    both = f @ before + (f @ g.transpose(-2, -1)).tril() @ u
    both = both.flatten(-3, -2)[..., :n, :]
    return ratio(both[..., :-1], both[..., -1]).to(q.dtype)
