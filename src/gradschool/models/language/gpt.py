"""A decoder as built in the 2020s, with its depth as the one dial: root-mean-square norms, rotary positions,
normalised queries and keys, gated feed-forward layers, no biases.

Sources: Touvron et al. 2023 (Llama); Ainslie et al. 2023 (shared keys); Henry et al. 2020 (normalised queries
and keys); So et al. 2021 (squared ReLU); Bachlechner et al. 2021 (layers begin as the identity). The width of
64 times the depth follows Karpathy's nanochat.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import Block, PreNorm
from gradschool.nn.attention.cache import KVCache
from gradschool.nn.attention.experts import Experts
from gradschool.nn.attention.feedforward import FeedForward, SquaredReLU, SwiGLU
from gradschool.nn.attention.multihead import Attention
from gradschool.nn.attention.sight import look_back, through

HEAD = 64  # numbers of a head
FEEDS: dict[str, Callable[[int], nn.Module]] = {
    "swiglu": SwiGLU,
    "relu2": lambda width: FeedForward(width, act=SquaredReLU(), bias=False),
    "experts": Experts,
}


class GPT(nn.Module):
    """Token vectors, blocks, a logit for every token at every step; arguments of `forward` as in `GPT2`.

    Every layer begins by adding nothing, and without tied weights every logit begins at 0: the first loss is
    the logarithm of the number of tokens. Rows may be of any length.

    Args:
        pieces: number of tokens.
        depth: blocks; heads of queries; and the width in units of 64.
        kv_heads: heads of keys and values, a divisor of the depth.
        feed: a name of FEEDS: "swiglu", "relu2" or "experts" (SwiGLU experts, two for a token).
        tied: whether the output's matrix is the token vectors.
        dropout: probability of silence of what each layer adds, in training.

    Raises:
        ValueError: there is no such feed-forward layer, or the heads do not divide.
    """

    has_state = False

    def __init__(self, pieces: int, depth: int, kv_heads: int, feed: str, tied: bool, dropout: float) -> None:
        super().__init__()
        if feed not in FEEDS:
            raise ValueError(f"feed is {feed!r}, one of {', '.join(FEEDS)} was wanted")
        width = HEAD * depth
        self.kv_heads = kv_heads
        self.tokens = nn.Embedding(pieces, width)
        self.enter = nn.RMSNorm(width)
        self.blocks = nn.ModuleList(
            Block(
                PreNorm(
                    nn.RMSNorm(width),
                    Attention(width, depth, kv_heads, bias=False, base=10_000.0, norm=True),
                    dropout,
                ),
                PreNorm(nn.RMSNorm(width), FEEDS[feed](width), dropout),
            )
            for _ in range(depth)
        )
        self.norm = nn.RMSNorm(width)
        self.output = nn.Linear(width, pieces, bias=False)
        self.draw(tied)

    @torch.no_grad()
    def draw(self, tied: bool) -> None:
        """Zeros where a layer adds to the residual path and at the end; elsewhere variance 1 / inputs."""
        for name, p in self.named_parameters():
            if name.endswith("output.weight"):
                p.zero_()
            elif p.dim() == 2 and name != "tokens.weight":
                p.normal_(std=p.shape[1] ** -0.5)
        if tied:
            self.output.weight.normal_(std=self.output.in_features**-0.5)
            self.tokens.weight = self.output.weight

    def cache(self, rows: int, capacity: int) -> KVCache:
        """An empty cache for so many rows of at most `capacity` steps."""
        return KVCache(len(self.blocks), (rows, self.kv_heads, capacity, HEAD), self.output.weight)

    def forward(
        self, x: Tensor, valid: Tensor | None = None, texts: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:  # fmt: skip
        sight = look_back(x, valid, texts, cache)
        h = through(self.blocks, self.enter(self.tokens(x)), sight, cache)
        return self.output(self.norm(h))


def gpt(
    pieces: int, depth: int = 4, kv_heads: int | None = None, feed: str = "swiglu", tied: bool = False,
    dropout: float = 0.0,
) -> GPT:  # fmt: skip
    """3.3 million parameters for 256 tokens at depth 4; 49,000 depth^3 beside the tokens."""
    return GPT(pieces, depth, depth if kv_heads is None else kv_heads, feed, tied, dropout)
