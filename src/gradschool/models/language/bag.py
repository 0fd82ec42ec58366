"""A bag of words: the mean of the vectors of a text's words, and a linear layer; the order of words is lost.

Source: Joulin et al. 2017, "Bag of tricks for efficient text classification" (fastText): pairs of
neighbouring words share a hashed table of vectors, so that a little order comes back. Deviations: words
and pairs have a mean each, and dropout.
"""

from jaxtyping import Float, Int64
from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput
from gradschool.ops.sequence.lengths import valid_steps

MIXER = 1_000_003  # a prime that spreads pairs over the table


class Bag(nn.Module):
    """Tokens (b, t), padded at the end, and how many of each text are valid (None: all), to logits (b,
    classes).

    Args:
        words: number of tokens.
        classes: their number.
        width: numbers in the vector of a word.
        pairs: rows of the hashed table of word pairs; 0: none.
        dropout: share of the mean vector that is silenced in training, 0 to 1.
    """

    def __init__(self, words: int, classes: int, width: int, pairs: int, dropout: float) -> None:
        super().__init__()
        self.pairs = pairs
        self.embedding = nn.Embedding(words, width)
        self.pair_embedding = nn.Embedding(pairs, width) if pairs else None
        for table in filter(None, (self.embedding, self.pair_embedding)):
            table.weight.data.normal_(std=0.1)
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(width, classes)

    def forward(
        self, x: Int64[Tensor, "b t"], lengths: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b k"]:
        if x.dim() != 2:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
        text = mean(self.embedding(x), lengths)
        if self.pair_embedding is not None and x.shape[1] > 1:
            number = (x[:, :-1] * MIXER + x[:, 1:]) % self.pairs
            text = text + mean(self.pair_embedding(number), None if lengths is None else lengths - 1)
        return self.head(self.dropout(text))

    def give_vectors(self, vectors: Float[Tensor, "n d"], frozen: bool = False) -> None:
        """Begin with known word vectors; frozen ones are not trained."""
        self.embedding.start_from(vectors, frozen)


def mean(vectors: Float[Tensor, "b t d"], lengths: Int64[Tensor, " b"] | None) -> Float[Tensor, "b d"]:
    """The mean of the first vectors of each text, as many as it has (None: all); 0 where it has none."""
    if lengths is None:
        return vectors.mean(1)
    weights = valid_steps(lengths, vectors.shape[1]).to(vectors.dtype).unsqueeze(1)  # (b, 1, t)
    return (weights @ vectors).squeeze(1) / lengths.clamp(min=1).unsqueeze(1)


def bag(words: int, classes: int, width: int = 64, pairs: int = 0, dropout: float = 0.3) -> Bag:
    """A bag of words; with pairs=65536 of neighbouring pairs, too."""
    return Bag(words, classes, width, pairs, dropout)
