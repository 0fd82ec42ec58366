"""Rotary positions in few passes, with the name and arguments of gradschool.ops.attention.rotary.

torch has no function for them. The plain form goes through three checked ops; a decoder that reads one token
at a time would spend half of its step on them.
"""

import torch
from torch import Tensor

from gradschool.ops.norm import wide


def rope(x: Tensor, positions: Tensor, base: float = 10000.0, interleaved: bool = False) -> Tensor:
    """See ops.attention.rotary.rope."""
    d, u = x.shape[-1], wide(x)
    # 1. The angles, with an axis for the heads.
    i = torch.arange(d // 2, device=x.device, dtype=u.dtype)
    angles = (positions.to(u.dtype).unsqueeze(-1) * base ** (-2 * i / d)).unsqueeze(-3)
    cos, sin = angles.cos(), angles.sin()
    # 2. Each pair turned in its plane.
    a, b = u.reshape(*u.shape[:-1], -1, 2).unbind(-1) if interleaved else u.chunk(2, -1)
    turned = torch.addcmul(a * cos, b, sin, value=-1), torch.addcmul(a * sin, b, cos)
    y = torch.stack(turned, -1).flatten(-2) if interleaved else torch.cat(turned, -1)
    return y.to(x.dtype)
