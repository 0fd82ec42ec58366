"""GPT-2: a decoder of pre-norm blocks with learned positions, whose token vectors are its output matrix.

Source: Radford et al. 2019, section 2.3; the weights are those of transformers' GPT2LMHeadModel under other
names (`from_transformers`). Deviation: no dropout of attention weights.
"""

import math

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import Block, PreNorm
from gradschool.nn.attention.cache import KVCache
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.multihead import Attention
from gradschool.nn.attention.sight import look_back, through
from gradschool.nn.inputs import WrongInput


class GPT2(nn.Module):
    """Tokens and positions, blocks, a logit for every token at every step.

    `forward(x, valid=None, texts=None, cache=None)` takes tokens (b, n) and returns logits (b, n, pieces).
    `valid` (b, n) is False at padding, `texts` (b, n) numbers the texts of packed rows, and a `cache` (see
    `cache`) holds what was read before and takes up x.

    Args:
        pieces: number of tokens.
        context: most steps of a row.
        width: numbers of a position.
        depth: blocks.
        heads: of each attention.
        dropout: probability of silence of vectors and of what each layer adds, in training.
    """

    has_state = False

    def __init__(self, pieces: int, context: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(pieces, width), nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(
                PreNorm(nn.LayerNorm(width), Attention(width, heads), dropout),
                PreNorm(nn.LayerNorm(width), FeedForward(width, act=nn.GELU("tanh")), dropout),
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, pieces, bias=False)
        self.logits.weight = self.tokens.weight
        self.heads, self.width = heads, width
        self.draw()

    @torch.no_grad()
    def draw(self) -> None:
        """Small normal weights; those that add to the residual path shrink with the number of additions."""
        for name, p in self.named_parameters():
            if p.dim() == 2:
                shrink = math.sqrt(2 * len(self.blocks)) if "output" in name else 1.0
                p.normal_(std=0.02 / shrink)
            elif name.endswith("bias"):
                p.zero_()

    def cache(self, rows: int, capacity: int) -> KVCache:
        """An empty cache for so many rows of at most `capacity` steps."""
        shape = rows, self.heads, capacity, self.width // self.heads
        return KVCache(len(self.blocks), shape, self.tokens.weight)

    def forward(
        self, x: Tensor, valid: Tensor | None = None, texts: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:  # fmt: skip
        # 1. What each token may look at, and its position in its text.
        before, context = 0 if cache is None else cache.length, self.positions.num_embeddings
        if x.shape[-1] + before > context:
            raise WrongInput(f"rows have {x.shape[-1] + before} steps, {context} or fewer were wanted")
        sight = look_back(x, valid, texts, cache)
        # 2. Vectors of tokens and positions, through the blocks.
        h = self.dropout(self.tokens(x) + self.positions(sight.positions))
        h = through(self.blocks, h, sight, cache)
        # 3. How well each token's vector fits.
        return self.logits(self.norm(h))


def gpt2(
    pieces: int, context: int = 1024, width: int = 768, depth: int = 12, heads: int = 12, dropout: float = 0.1
) -> GPT2:
    """The small one of 2019: 124,439,808 parameters for 50,257 tokens."""
    return GPT2(pieces, context, width, depth, heads, dropout)


LAYERS = {
    "ln_1": "attention.norm", "attn.c_proj": "attention.layer.output",
    "ln_2": "feed.norm", "mlp.c_fc": "feed.layer.widen", "mlp.c_proj": "feed.layer.output",
}  # fmt: skip


def from_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a GPT2LMHeadModel (or GPT2Model) under our names.

    Their matrices are (inputs, outputs), ours (outputs, inputs); their `c_attn` holds queries, keys and
    values side by side. The output's matrix is the token vectors, also where a file does not name it; masks
    of old files are left out.
    """
    ends = {"wte.weight": "tokens.weight", "wpe.weight": "positions.weight",
            "ln_f.weight": "norm.weight", "ln_f.bias": "norm.bias"}  # fmt: skip
    found = {}
    for name, value in state.items():
        name = name.removeprefix("transformer.")
        if name in ends:
            found[ends[name]] = value
        elif name.startswith("h."):
            _, number, rest = name.split(".", 2)
            layer, _, kind = rest.rpartition(".")
            turned = value.T if value.dim() == 2 else value
            if layer == "attn.c_attn":
                for part, rows in zip(("query", "key", "value"), turned.chunk(3), strict=True):
                    found[f"blocks.{number}.attention.layer.{part}.{kind}"] = rows
            elif layer in LAYERS:
                found[f"blocks.{number}.{LAYERS[layer]}.{kind}"] = turned
    return found | {"logits.weight": found["tokens.weight"]}
