"""Blocks of transformers: attention and a feed-forward layer, each with a residual connection and a
normalisation.

Sources: Vaswani et al. 2017, section 3.1 (normalised after the sum); Xiong et al. 2020 (before the layer: the
residual path stays free, and training needs no warm-up). Deviation: no dropout of attention weights.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from gradschool.nn.attention.multihead import Attention
from gradschool.nn.linear import Dropout
from gradschool.nn.norm import LayerNorm


class PreNorm(nn.Module):
    """x + layer(norm(x)).

    Args:
        norm: of the input.
        layer: whose output is added; what `forward` gets beside x goes to it.
        dropout: probability of silence of what is added, in training, 0 to 1.
    """

    def __init__(self, norm: nn.Module, layer: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.layer, self.dropout = norm, layer, Dropout(dropout)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return x + self.dropout(self.layer(self.norm(x), *args, **kwargs))


class PostNorm(PreNorm):
    """norm(x + layer(x)); arguments as in `PreNorm`."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self.norm(x + self.dropout(self.layer(x, *args, **kwargs)))


class Block(nn.Module):
    """Attention among the positions, then every position alone.

    `forward(x, **given)` hands what it is given (mask, causal, positions, cache) to the attention.

    Args:
        attention: a residual attention, PreNorm or PostNorm.
        feed: a residual feed-forward layer.
    """

    def __init__(self, attention: PreNorm, feed: PreNorm) -> None:
        super().__init__()
        self.attention, self.feed = attention, feed

    def forward(self, x: Tensor, **given: Any) -> Tensor:
        return self.feed(self.attention(x, **given))


class CrossBlock(nn.Module):
    """A decoder's block: attention to what it wrote, attention to what it reads, then every position alone.

    `forward(x, memory, memory_mask=None, **given)`: the memory is vectors, or what `read` made of them; the
    mask is of the memory; what is given besides goes to the first attention.

    Args:
        attention: of x to itself.
        cross: of x to the memory.
        feed: a residual feed-forward layer.
    """

    def __init__(self, attention: PreNorm, cross: PreNorm, feed: PreNorm) -> None:
        super().__init__()
        self.attention, self.cross, self.feed = attention, cross, feed

    def forward(
        self, x: Tensor, memory: Tensor | tuple[Tensor, Tensor], memory_mask: Tensor | None = None,
        **given: Any,
    ) -> Tensor:  # fmt: skip
        x = self.attention(x, **given)
        return self.feed(self.cross(x, memory, memory_mask))

    def read(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a memory (b, m, width) that this block looks at: they are the same at every
        step.
        """
        attention: Any = self.cross.layer
        keys, values = attention.read(memory)
        return keys, values


def block(
    width: int, heads: int, feed: nn.Module, residual: type[PreNorm] = PreNorm, dropout: float = 0.0,
    norm: Callable[[int], nn.Module] = LayerNorm,
) -> Block:  # fmt: skip
    """A block of plain attention, with biases, around a feed-forward layer.

    Args:
        width: numbers of a position.
        heads: of the attention.
        feed: the feed-forward layer.
        residual: PreNorm or PostNorm.
        dropout: probability of silence of what each layer adds, in training.
        norm: makes a normalisation of so many numbers.
    """
    attention = Attention(width, heads)
    return Block(residual(norm(width), attention, dropout), residual(norm(width), feed, dropout))
