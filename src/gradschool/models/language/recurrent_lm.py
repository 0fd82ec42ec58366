"""A recurrent language model: the next token from a state that has read all tokens before.

Sources: Mikolov et al. 2010 (recurrent networks as language models); Press and Wolf 2017 (one matrix for
embedding and output).
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput

CORES = {
    "rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU, "mingru": nn.MinGRU, "minlstm": nn.MinLSTM,
    "statespace": nn.StateSpace,
}  # fmt: skip


class RecurrentLM(nn.Module):
    """Token vectors, a recurrent core, a logit for every token at every step.

    `forward(x, state=None)` takes tokens (b, t) and the state that an earlier call returned; it returns
    logits (b, t, vocabulary) and the state after the last token. A text read in pieces gives the logits of
    the whole.

    Args:
        vocabulary: number of tokens.
        core: a name of CORES.
        embedding: numbers in the vector of a token.
        hidden: units of each layer.
        layers: of the core.
        dropout: probability of silence of vectors, outputs and between layers, in training, 0 to 1.
        tied: whether the output's matrix is the embedding's; then `embedding` and `hidden` are equal.

    Raises:
        ValueError: there is no such core, or tied sizes differ.
    """

    def __init__(
        self, vocabulary: int, core: str, embedding: int, hidden: int, layers: int, dropout: float, tied: bool
    ) -> None:
        super().__init__()
        if core not in CORES:
            raise ValueError(f"core is {core!r}, one of {', '.join(CORES)} was wanted")
        if tied and embedding != hidden:
            raise ValueError(
                f"embedding is {embedding} and hidden {hidden}, equal sizes were wanted to tie them"
            )
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.dropout = nn.Dropout(dropout)
        self.core = CORES[core](embedding, hidden, layers=layers, dropout=dropout)
        self.output = nn.Linear(hidden, vocabulary)
        if tied:
            # The output's smaller numbers: an embedding's unit variance would begin with logits far from 0.
            self.embedding.weight = self.output.weight

    def forward(
        self, x: Tensor, state: Tensor | tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        if x.dim() != 2:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
        y, state = self.core(self.dropout(self.embedding(x)), state)
        return self.output(self.dropout(y)), state


def recurrent_lm(
    tokens: int, core: str = "lstm", embedding: int = 128, hidden: int = 256, layers: int = 1,
    dropout: float = 0.0, tied: bool = False,
) -> RecurrentLM:  # fmt: skip
    """About 420,000 parameters for 65 tokens and an LSTM."""
    return RecurrentLM(tokens, core, embedding, hidden, layers, dropout, tied)
