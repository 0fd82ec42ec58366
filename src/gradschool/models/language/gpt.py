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
from gradschool.nn.attention.grams import Grams
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
        depth: blocks.
        width: numbers of a position, a multiple of 64; a head of queries has 64.
        kv_heads: heads of keys and values, a divisor of those of queries.
        feed: a name of FEEDS: "swiglu", "relu2" or "experts" (SwiGLU experts, two for a token).
        tied: whether the output's matrix is the token vectors.
        dropout: probability of silence of the vectors at the start and of what each layer adds, in training.
        grams: tokens of the longest n-gram that has a vector of its own; 1 for none.

    Raises:
        ValueError: there is no such feed-forward layer, or heads or width do not divide.
    """

    has_state = False

    def __init__(
        self, pieces: int, depth: int, width: int, kv_heads: int, feed: str, tied: bool, dropout: float,
        grams: int,
    ) -> None:  # fmt: skip
        super().__init__()
        if feed not in FEEDS:
            raise ValueError(f"feed is {feed!r}, one of {', '.join(FEEDS)} was wanted")
        if width % HEAD:
            raise ValueError(f"width is {width}, a multiple of {HEAD} was wanted")
        self.kv_heads = kv_heads
        self.tokens = nn.Embedding(pieces, width)
        self.grams = Grams(pieces, width, grams) if grams > 1 else None
        self.drop, self.enter = nn.Dropout(dropout), nn.RMSNorm(width)
        self.blocks = nn.ModuleList(
            Block(
                PreNorm(
                    nn.RMSNorm(width),
                    Attention(width, width // HEAD, kv_heads, bias=False, base=10_000.0, norm=True),
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
            elif p.dim() == 2 and name.startswith("blocks"):
                p.normal_(std=p.shape[1] ** -0.5)
        if tied:
            self.output.weight.normal_(std=self.output.in_features**-0.5)
            self.tokens.weight = self.output.weight

    def cache(self, rows: int, capacity: int) -> KVCache:
        """An empty cache for so many rows of at most `capacity` steps."""
        return KVCache(len(self.blocks), (rows, self.kv_heads, capacity, HEAD), self.tokens.weight)

    def forward(
        self, x: Tensor, valid: Tensor | None = None, texts: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:  # fmt: skip
        # 1. What each token may look at, and its vector.
        sight, h = look_back(x, valid, texts, cache), self.tokens(x)
        if self.grams is not None:
            h = h + self.grams(x, valid, texts, cache)
        # 2. Through the blocks, to logits.
        h = through(self.blocks, self.enter(self.drop(h)), sight, cache)
        return self.output(self.norm(h))


def gpt(
    pieces: int, depth: int = 4, kv_heads: int | None = None, feed: str = "swiglu", tied: bool = False,
    dropout: float = 0.0, width: int | None = None, grams: int = 1,
) -> GPT:  # fmt: skip
    """3.3 million parameters for 256 tokens at depth 4; 49,000 depth^3 beside the tokens. The width follows
    from the depth if not given.
    """
    width = HEAD * depth if width is None else width
    kv_heads = width // HEAD if kv_heads is None else kv_heads
    return GPT(pieces, depth, width, kv_heads, feed, tied, dropout, grams)
