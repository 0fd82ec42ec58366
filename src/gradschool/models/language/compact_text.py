"""A compact transformer for texts: a convolution over neighbouring words, one block of attention, and a mean
whose weights are learned.

Source: Hassani et al. 2021, sections 3.2 (pooling over the sequence) and 3.3 (convolutions before attention).
Deviation: sinusoids for learned positions, so texts may be of any length.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import block
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.patches import with_sinusoids
from gradschool.nn.attention.pool import SequencePool
from gradschool.nn.attention.sight import look_around, up_to
from gradschool.nn.inputs import WrongInput


class CompactText(nn.Module):
    """Tokens (b, t), padded at the end, and how many of each text are valid (None: all), to logits.

    Args:
        words: number of tokens.
        classes: their number.
        width: numbers in the vector of a word.
        depth: blocks.
        heads: of each attention.
        window: neighbouring words that the convolution sees, odd.
        dropout: probability of silence of vectors and of what each layer adds, in training.
    """

    def __init__(
        self, words: int, classes: int, width: int, depth: int, heads: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        if window % 2 == 0:
            raise ValueError(f"window is {window}, an odd number was wanted")
        self.embedding = nn.Embedding(words, width)
        self.convolution = nn.Conv2d(width, width, (1, window), padding=(0, window // 2))
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            block(width, heads, FeedForward(width, 2 * width), dropout=dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.pool, self.head = SequencePool(width), nn.Linear(width, classes)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if x.dim() != 2:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
        valid = up_to(lengths, x.shape[1])
        # 1. Vectors of words, 0 behind the end of a text, and of their neighbourhoods.
        h = self.embedding(x)
        h = h if valid is None else h * valid.unsqueeze(2)
        h = h.transpose(1, 2).unsqueeze(2)  # (b, d, 1, t)
        h = self.relu(self.convolution(h)).squeeze(2).transpose(1, 2)
        h = self.dropout(with_sinusoids(h))
        # 2. Attention among the words.
        for each in self.blocks:
            h = each(h, mask=look_around(valid))
        # 3. The mean under weights that are learned, a logit for every class.
        return self.head(self.pool(self.norm(h), valid))

    def give_vectors(self, vectors: Tensor, frozen: bool = False) -> None:
        """Begin with known word vectors (words, width); frozen ones are not trained."""
        self.embedding.start_from(vectors, frozen)


def compact_text(
    words: int, classes: int, width: int = 96, depth: int = 1, heads: int = 8, window: int = 3,
    dropout: float = 0.1,
) -> CompactText:  # fmt: skip
    """103,000 parameters beside the vectors."""
    return CompactText(words, classes, width, depth, heads, window, dropout)
