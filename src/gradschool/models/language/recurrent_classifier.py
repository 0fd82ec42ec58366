"""A recurrent text classifier: a network reads the text in one direction or two, one vector sums it up.

Sources: Graves and Schmidhuber 2005 (both directions); Howard and Ruder 2018, section 3.3 (pooling over
steps).
"""

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput
from gradschool.ops.sequence.lengths import last_valid, max_over_steps, mean_over_steps

CORES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU, "mingru": nn.MinGRU, "minlstm": nn.MinLSTM}
POOLS = ("last", "mean", "max")


class RecurrentClassifier(nn.Module):
    """Token vectors, a recurrent core, pooling over the valid steps, a logit for every class.

    `forward(x, lengths=None)` takes tokens (b, t), padded at the end, and how many of each text are valid
    (all if None); it returns logits (b, classes). What the padding holds changes nothing.

    Args:
        vocabulary: number of tokens.
        classes: number of classes.
        core: a name of CORES.
        embedding: numbers in the vector of a token.
        hidden: units of each layer and direction.
        layers: of the core.
        bidirectional: whether a second network reads from the end.
        dropout: probability of silence of vectors, of what is pooled and between layers, in training.
        pool: "last" (the state at the end of each direction), "mean" or "max" over steps.

    Raises:
        ValueError: there is no such core or pool.
    """

    def __init__(
        self, vocabulary: int, classes: int, core: str = "lstm", embedding: int = 64, hidden: int = 64,
        layers: int = 1, bidirectional: bool = True, dropout: float = 0.0, pool: str = "last",
    ) -> None:  # fmt: skip
        super().__init__()
        if core not in CORES or pool not in POOLS:
            wanted = f"one of {', '.join(CORES)}, and one of {', '.join(POOLS)} were wanted"
            raise ValueError(f"core is {core!r} and pool {pool!r}, {wanted}")
        self.pool = pool
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.dropout = nn.Dropout(dropout)
        self.core = CORES[core](embedding, hidden, layers, bidirectional, dropout)
        self.output = nn.Linear(hidden * self.core.directions, classes)

    def give_vectors(self, vectors: Tensor, frozen: bool = False) -> None:
        """Begin with known token vectors (vocabulary, embedding); frozen ones are not trained."""
        self.embedding.start_from(vectors, frozen)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if x.dim() != 2:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, steps) tokens were wanted")
        # 1. A vector for every step.
        y, _ = self.core(self.dropout(self.embedding(x)), None, lengths)
        # 2. One for the text. The network that reads from the end has finished at the first step.
        if self.pool == "last":
            onward, back = y.split(self.core.hidden, 2) if self.core.bidirectional else (y, None)
            pooled = last_valid(onward, lengths)
            pooled = pooled if back is None else torch.cat([pooled, back[:, 0]], 1)
        else:
            pooled = (mean_over_steps if self.pool == "mean" else max_over_steps)(y, lengths)
        # 3. A logit for every class.
        return self.output(self.dropout(pooled))


def recurrent_classifier(
    words: int, classes: int, core: str = "lstm", embedding: int = 64, hidden: int = 64, layers: int = 1,
    bidirectional: bool = True, dropout: float = 0.0, pool: str = "last",
) -> RecurrentClassifier:  # fmt: skip
    """About 67,000 parameters beside the vectors."""
    return RecurrentClassifier(words, classes, core, embedding, hidden, layers, bidirectional, dropout, pool)
