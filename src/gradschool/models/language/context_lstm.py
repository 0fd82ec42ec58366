"""A recurrent network as a model of the next token: it reads a context from its first token to its last.

Source: Mikolov et al. 2010. Deviations: an LSTM, and every context is read anew from a state of zeros.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput
from gradschool.nn.sequence.recurrent import LSTM


class ContextLSTM(nn.Module):
    """Vectors of the tokens of a context, one after the other through an LSTM, a logit for every next token.

    Args:
        vocabulary: number of tokens.
        context: tokens that are looked back.
        embedding: numbers in the vector of a token.
        hidden: numbers of the hidden state.
        dropout: probability of silence of a vector's number and of a state's, in training, 0 to 1.
    """

    def __init__(self, vocabulary: int, context: int, embedding: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.core = LSTM(embedding, hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 2 or x.shape[1] != self.context:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, {self.context}) tokens were wanted")
        states, _ = self.core(self.dropout(self.embedding(x)))
        return self.output(self.dropout(states[:, -1]))


def context_lstm(
    vocabulary: int, context: int = 12, embedding: int = 32, hidden: int = 96, dropout: float = 0.3
) -> ContextLSTM:
    """About 53,000 parameters for 27 tokens."""
    return ContextLSTM(vocabulary, context, embedding, hidden, dropout)
