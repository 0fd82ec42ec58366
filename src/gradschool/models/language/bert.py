"""BERT: an encoder of post-norm blocks that reads a text in both directions and fills in masked tokens.

Sources: Devlin et al. 2019, section 3; Reimers and Gurevych 2019 (a text's vector as the mean of its tokens).
The weights are those of transformers' BertModel or BertForMaskedLM under other names (`from_transformers`).
Deviations: no pooler and no prediction of the next sentence, no dropout of attention weights.
"""

from functools import partial

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import PostNorm, block
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.sight import look_around
from gradschool.nn.inputs import WrongInput

LayerNorm = partial(nn.LayerNorm, eps=1e-12)


class Bert(nn.Module):
    """Vectors of tokens, positions and kinds of segments, blocks, a vector for every token.

    `forward(x, valid=None, kinds=None)` takes tokens (b, n), where they are no padding (b, n; None: all),
    and the segment of each, 0 or 1 (b, n; None: 0); it returns vectors (b, n, width). `logits` makes scores
    of the tokens that could stand there, `embed` one vector a text.

    Args:
        pieces: number of tokens.
        context: most tokens of a text.
        width: numbers of a position.
        depth: blocks.
        heads: of each attention.
        dropout: probability of silence of vectors and of what each layer adds, in training.
    """

    def __init__(self, pieces: int, context: int, width: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(pieces, width), nn.Embedding(context, width)
        self.kinds = nn.Embedding(2, width)
        self.norm, self.dropout = LayerNorm(width), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            block(width, heads, FeedForward(width), PostNorm, dropout, LayerNorm) for _ in range(depth)
        )
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), LayerNorm(width))
        self.scores = nn.Linear(width, pieces)
        self.scores.weight = self.tokens.weight
        self.draw()

    @torch.no_grad()
    def draw(self) -> None:
        """Small normal weights, no biases."""
        for name, p in self.named_parameters():
            if p.dim() == 2:
                p.normal_(std=0.02)
            elif name.endswith("bias"):
                p.zero_()

    def forward(self, x: Tensor, valid: Tensor | None = None, kinds: Tensor | None = None) -> Tensor:
        return self.states(x, valid, kinds)[-1]

    def states(self, x: Tensor, valid: Tensor | None = None, kinds: Tensor | None = None) -> list[Tensor]:
        """The vectors (b, n, width) before the first block and after each; arguments as of `forward`."""
        context = self.positions.num_embeddings
        if x.dim() != 2 or x.shape[1] > context:
            wanted = f"(batch, steps) tokens with {context} steps or fewer were wanted"
            raise WrongInput(f"input has shape {tuple(x.shape)}, {wanted}")
        # 1. The sum of three vectors for each token.
        at = torch.arange(x.shape[1], device=x.device)
        kinds = torch.zeros_like(x) if kinds is None else kinds
        h = self.dropout(self.norm(self.tokens(x) + self.positions(at) + self.kinds(kinds)))
        # 2. Every token looks at all others but the padding.
        found = [h]
        for each in self.blocks:
            found.append(each(found[-1], mask=look_around(valid)))
        return found

    def logits(self, h: Tensor) -> Tensor:
        """Scores (..., pieces) of the tokens that could stand where the vectors (..., width) are."""
        return self.scores(self.head(h))

    def embed(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """One vector of length 1 for each text (b, width): the mean over its tokens, scaled."""
        h = self(x, valid)
        shares = torch.ones_like(x) if valid is None else valid
        mean = (h * shares.unsqueeze(2)).sum(1) / shares.sum(1, keepdim=True)
        return mean / mean.norm(dim=1, keepdim=True)


def bert(
    wordpieces: int, context: int = 512, width: int = 768, depth: int = 12, heads: int = 12,
    dropout: float = 0.1,
) -> Bert:  # fmt: skip
    """BERT-base: 109.5 million parameters for 30,522 tokens, the head over them included."""
    return Bert(wordpieces, context, width, depth, heads, dropout)


def minilm(wordpieces: int = 30_522) -> Bert:
    """The sizes of all-MiniLM-L6-v2: 6 blocks of 384 numbers, 22.7 million parameters."""
    return Bert(wordpieces, context=512, width=384, depth=6, heads=12, dropout=0.1)


ENDS = {
    "embeddings.word_embeddings": "tokens", "embeddings.position_embeddings": "positions",
    "embeddings.token_type_embeddings": "kinds", "embeddings.LayerNorm": "norm",
    "cls.predictions.transform.dense": "head.0", "cls.predictions.transform.LayerNorm": "head.2",
}  # fmt: skip
LAYERS = {
    "attention.self.query": "attention.layer.query", "attention.self.key": "attention.layer.key",
    "attention.self.value": "attention.layer.value", "attention.output.dense": "attention.layer.output",
    "attention.output.LayerNorm": "attention.norm", "intermediate.dense": "feed.layer.widen",
    "output.dense": "feed.layer.output", "output.LayerNorm": "feed.norm",
}  # fmt: skip


def from_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a BertModel, or of a BertForMaskedLM with its head, under our names, in float32.

    Of a BertModel there is no head: load the result with `strict=False`. Its pooler is left out.
    """
    found = {}
    for name, value in state.items():
        layer, _, kind = name.removeprefix("bert.").rpartition(".")
        if layer in ENDS:
            found[f"{ENDS[layer]}.{kind}"] = value.float()
        elif layer == "cls.predictions" and kind == "bias":
            found["scores.bias"] = value.float()
        elif layer.startswith("encoder.layer."):
            _, _, number, rest = layer.split(".", 3)
            found[f"blocks.{number}.{LAYERS[rest]}.{kind}"] = value.float()
    return found | {"scores.weight": found["tokens.weight"]}
