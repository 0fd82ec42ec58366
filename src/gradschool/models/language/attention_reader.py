"""One layer of causal attention that reads strings of symbols: it has no state, all it read stays in view.

Source: Vaswani et al. 2017. Deviations: one layer, positions are numbers of the layer's inputs.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gradschool import nn
from gradschool.ops.attention import attend


class AttentionReader(nn.Module):
    """Symbols and sinusoidal positions, attention with several heads, a hidden layer, logits of the answers.

    Args:
        symbols: that strings are made of.
        answers: to choose from after each symbol.
        width: numbers at each position, a multiple of `heads`.
        heads: of the attention.
    """

    def __init__(self, symbols: int, answers: int, width: int, heads: int) -> None:
        super().__init__()
        self.symbols, self.heads = symbols, heads
        self.embedding = nn.Linear(symbols, width)
        self.project = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.readout = nn.Linear(width, answers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols (b, t) to logits (b, t, answers) and what the layer has at each position (b, t, width)."""
        b, t = x.shape
        # 1. Symbols at their positions.
        h = self.embedding(one_hot(x, self.symbols).to(self.readout.weight.dtype))
        h = h + sinusoids(t, h.shape[2]).to(h)
        # 2. Each head looks at all symbols so far.
        parts = self.project(self.norms[0](h)).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = attend(parts[0], parts[1], parts[2], causal=True)
        h = h + self.join(seen.transpose(1, 2).reshape(b, t, -1))
        # 3. Every position alone.
        h = h + self.feed(self.norms[1](h))
        return self.readout(self.norms[2](h)), h


def sinusoids(positions: int, width: int) -> Tensor:
    """Sines and cosines of wavelengths from 2 pi to 10,000 * 2 pi, (positions, width)."""
    rates = 10_000 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(positions)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :width]


def attention_reader(symbols: int, answers: int, width: int = 32, heads: int = 4) -> AttentionReader:
    """About 13,000 parameters for two symbols."""
    return AttentionReader(symbols, answers, width, heads)
