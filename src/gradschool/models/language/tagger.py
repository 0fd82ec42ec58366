"""A label for every word: a recurrent network reads in both directions, so that each word knows what
follows it.

Source: Huang et al. 2015, "Bidirectional LSTM-CRF models for sequence tagging", section 2.2 (BI-LSTM,
without the conditional random field).
"""

from jaxtyping import Float, Int64
from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput


class Tagger(nn.Module):
    """Tokens (b, t), padded at the end, and how many of each text are valid (None: all), to logits (b, t,
    labels).

    Args:
        tokens: their number.
        labels: their number.
        width: numbers in the vector of a token.
        hidden: units of each layer and direction.
        layers: of the recurrent network.
        dropout: share of vectors and states that is silenced in training, 0 to 1.
    """

    def __init__(
        self, tokens: int, labels: int, width: int, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        self.dropout = nn.Dropout(dropout)
        self.core = nn.LSTM(width, hidden, layers, bidirectional=True, dropout=dropout)
        self.head = nn.Linear(2 * hidden, labels)

    def forward(
        self, x: Int64[Tensor, "b t"], lengths: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b t k"]:
        if x.dim() != 2:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
        states, _ = self.core(self.dropout(self.embedding(x)), None, lengths)
        return self.head(self.dropout(states))


def tagger(
    tokens: int, labels: int, width: int = 64, hidden: int = 64, layers: int = 1, dropout: float = 0.3
) -> Tagger:
    """67,000 weights beside the vectors."""
    return Tagger(tokens, labels, width, hidden, layers, dropout)
