"""Attention on a map, with a learned number for each offset between two places.

Source: Dai et al. 2021 (CoAtNet), equation 3. Deviation: far offsets share a number, so maps may be
of any size.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.linear import Linear
from gradschool.ops.attention.biased import attend_with_bias
from gradschool.ops.attention.heads import join_heads, split_heads


class RelativeAttention(nn.Module):
    """Attention among the places of a map, in heads; the offset of two places is worth a number a head.

    `forward(h, rows, columns)` takes the places (b, rows x columns, width), row after row.

    Args:
        width: numbers of a place.
        heads: their number.
        reach: offsets beyond it, in either direction, share the number of the furthest.
    """

    def __init__(self, width: int, heads: int, reach: int = 7) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.project, self.output = Linear(width, 3 * width), Linear(width, width)
        self.offsets = nn.Parameter(torch.zeros(heads, 2 * reach + 1, 2 * reach + 1))

    def bias(self, rows: int, columns: int) -> Tensor:
        """What is added to the scores, (heads, places, places)."""
        down, across = (torch.arange(n, device=self.offsets.device) for n in (rows, columns))
        place = down.repeat_interleave(columns), across.repeat(rows)
        dy, dx = ((at[:, None] - at).clamp(-self.reach, self.reach) + self.reach for at in place)
        return self.offsets[:, dy, dx]

    def forward(self, h: Tensor, rows: int, columns: int) -> Tensor:
        q, k, v = (split_heads(part, self.heads) for part in self.project(h).chunk(3, 2))
        return self.output(join_heads(attend_with_bias(q, k, v, self.bias(rows, columns))))
