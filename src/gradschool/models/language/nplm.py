"""The neural probabilistic language model: the next token from the vectors of the last few tokens.

Source: Bengio et al. 2003, section 2, eq. 1. Deviations: tokens are characters, no direct connections from
the vectors to the output, dropout.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput


class NPLM(nn.Module):
    """Vectors of all tokens of a context side by side, one layer of tanh units, a logit for every token.

    Args:
        vocabulary: number of tokens.
        context: tokens that are looked back.
        embedding: numbers in the vector of a token.
        hidden: tanh units.
        dropout: probability of silence of a vector's number and of a unit, in training, 0 to 1.
    """

    def __init__(self, vocabulary: int, context: int, embedding: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(context * embedding, hidden),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(hidden, vocabulary),
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 2 or x.shape[1] != self.context:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, {self.context}) tokens were wanted")
        return self.layers(self.embedding(x))  # (b, c) to (b, c, d) to (b, vocabulary)


def nplm(
    vocabulary: int, context: int = 5, embedding: int = 16, hidden: int = 200, dropout: float = 0.2
) -> NPLM:
    """About 22,000 parameters for 27 tokens."""
    return NPLM(vocabulary, context, embedding, hidden, dropout)
