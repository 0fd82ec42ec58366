"""The transformer of 2017: an encoder reads a text, a decoder writes another, all of it by attention.

Source: Vaswani et al. 2017, section 3 (figure 1). Deviations: source and target may have tokens of their own;
then only the target's vectors and the output share a matrix (`tied` joins all three, as in the paper); no
dropout of attention weights; `norm_first` puts the norms before the layers (Xiong et al. 2020), which needs
no warm-up.
"""

from typing import Any

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import Block, CrossBlock, PostNorm, PreNorm
from gradschool.nn.attention.cache import KVCache
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.memory import Memory
from gradschool.nn.attention.multihead import Attention
from gradschool.nn.attention.patches import with_sinusoids
from gradschool.nn.attention.sight import look_around, look_back, up_to
from gradschool.nn.inputs import WrongInput


class Written(KVCache):
    """What a decoder has written so far, as keys and values of its layers, and those of what it reads.

    Args:
        layers, shape, like: as for `KVCache`.
        memory: keys and values of the memory for each layer.
    """

    def __init__(
        self, layers: int, shape: tuple[int, int, int, int], like: Tensor,
        memory: list[tuple[Tensor, Tensor]],
    ) -> None:  # fmt: skip
        super().__init__(layers, shape, like)
        self.memory = memory

    def choose(self, rows: Tensor) -> None:
        """Go on with these rows instead; a row may be taken more than once."""
        super().choose(rows)
        self.memory = [(keys[rows], values[rows]) for keys, values in self.memory]


class Transformer(nn.Module):
    """Texts of one kind of tokens into texts of another.

    `forward(source, target, lengths=None)` takes tokens (b, m), padded at the end, how many of each row are
    valid (all if None), and what has been written so far (b, n), which begins with a start token; it
    returns logits (b, n, targets) of the token that follows each. To write, `encode` once and `decode` with
    a `state`.

    Args:
        sources: number of tokens of the texts that are read.
        targets: number of tokens of the texts that are written.
        width: numbers of a position.
        depth: blocks of the encoder, and of the decoder.
        heads: of each attention.
        dropout: probability of silence of vectors and of what each layer adds, in training.
        norm_first: whether norms stand before the layers instead of after the sums.
        tied: whether both texts have the same tokens, whose vectors they share.

    Raises:
        ValueError: `tied` with different numbers of tokens.
    """

    def __init__(
        self, sources: int, targets: int, width: int, depth: int, heads: int, dropout: float,
        norm_first: bool, tied: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if tied and sources != targets:
            raise ValueError(f"tied vectors are for one vocabulary, {sources} and {targets} tokens came")
        residual = PreNorm if norm_first else PostNorm

        def layer(inner: nn.Module) -> PreNorm:
            return residual(nn.LayerNorm(width), inner, dropout)

        def parts(attentions: int) -> list[PreNorm]:
            feed = FeedForward(width, act=nn.ReLU())
            return [*(layer(Attention(width, heads)) for _ in range(attentions)), layer(feed)]

        self.reads = nn.Embedding(sources, width)
        self.writes = self.reads if tied else nn.Embedding(targets, width)
        self.encoder = nn.ModuleList(Block(*parts(1)) for _ in range(depth))
        self.decoder = nn.ModuleList(CrossBlock(*parts(2)) for _ in range(depth))
        # After the last sum there is a norm already, unless norms stand first.
        self.read_norm, self.write_norm = (
            nn.LayerNorm(width) if norm_first else nn.Identity() for _ in range(2)
        )
        self.dropout = nn.Dropout(dropout)
        self.heads, self.width = heads, width
        self.logits = nn.Linear(width, targets, bias=False)
        self.logits.weight = self.writes.weight
        self.draw()

    @torch.no_grad()
    def draw(self) -> None:
        """Matrices by Glorot and Bengio 2010, equation 16; token vectors of about unit length."""
        for p in (p for p in self.parameters() if p.dim() == 2):
            bound = (6 / sum(p.shape)) ** 0.5
            p.uniform_(-bound, bound)
        for table in (self.reads, self.writes):
            table.weight.normal_(std=self.width**-0.5)

    def placed(self, table: nn.Embedding, x: Tensor, positions: Tensor) -> Tensor:
        """Vectors of tokens of about unit size, with sinusoids of their positions added."""
        return self.dropout(with_sinusoids(table(x) * self.width**0.5, positions))

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> Memory:
        """Read tokens (b, m), of which the first `lengths` of each row are valid."""
        if source.dim() != 2:
            raise WrongInput(f"source has shape {tuple(source.shape)}, (batch, steps) tokens were wanted")
        m = source.shape[1]
        valid = up_to(lengths, m)
        h = self.placed(self.reads, source, torch.arange(m, device=source.device))
        for block in self.encoder:
            h = block(h, mask=look_around(valid))
        return Memory(self.read_norm(h), valid)

    def state(self, memory: Memory, capacity: int) -> Written:
        """Room for `capacity` tokens that are yet to be written; the memory is read here, once."""
        shape = len(memory.vectors), self.heads, capacity, self.width // self.heads
        blocks: Any = self.decoder
        read = [block.read(memory.vectors) for block in blocks]
        return Written(len(self.decoder), shape, memory.vectors, read)

    def decode(self, target: Tensor, memory: Memory, state: Written | None = None) -> Tensor:
        """Logits after each of the tokens (b, n), which go on where the state ends and are added to it."""
        sight, hidden = look_back(target, cache=state), look_around(memory.valid)
        h = self.placed(self.writes, target, sight.positions)
        for i, block in enumerate(self.decoder):
            read = memory.vectors if state is None else state.memory[i]
            cache = None if state is None else state.layers[i]
            h = block(h, read, hidden, mask=sight.mask, causal=sight.causal, cache=cache)
        return self.logits(self.write_norm(h))

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.decode(target, self.encode(source, lengths))


def transformer(
    sources: int, targets: int, width: int = 256, depth: int = 3, heads: int = 8, dropout: float = 0.1,
    norm_first: bool = False, tied: bool = False,
) -> Transformer:  # fmt: skip
    """5.5 million parameters beside the tokens; the paper's base has width 512 and depth 6."""
    return Transformer(sources, targets, width, depth, heads, dropout, norm_first, tied)
