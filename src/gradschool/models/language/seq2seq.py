"""A recurrent network reads a text, another writes one, and looks back at all it read before every token.

Source: Bahdanau et al. 2015, section 3 and appendix A. Deviations: the output is one linear layer over state,
context and token instead of a maxout, or with `tied` a layer of as many units as a token's vector has numbers
and then these vectors; the first state is made of both directions' last ones.
"""

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.additive import AttentiveGRU
from gradschool.nn.attention.memory import Memory
from gradschool.nn.attention.sight import up_to
from gradschool.nn.inputs import WrongInput


class Written:
    """The state (b, hidden) of the network that writes, changed in place.

    Args:
        hidden: of each row.
    """

    def __init__(self, hidden: Tensor) -> None:
        self.hidden = hidden

    def choose(self, rows: Tensor) -> None:
        """Go on with these rows instead; a row may be taken more than once."""
        self.hidden = self.hidden[rows]


class Seq2Seq(nn.Module):
    """Texts of one kind of tokens into texts of another.

    `forward(source, target, lengths=None)` as in `Transformer`. `decode` leaves in `seen` the weights
    (b, n, m) with which each token was looked at, before each was written.

    Args:
        sources: number of tokens of the texts that are read.
        targets: number of tokens of the texts that are written.
        embedding: numbers in the vector of a token.
        hidden: units of each network and direction, and of the attention.
        dropout: probability of silence of vectors and of what the output sees, in training.
        tied: whether both texts have the same tokens, whose vectors they share with the output.

    Raises:
        ValueError: `tied` with different numbers of tokens.
    """

    def __init__(
        self, sources: int, targets: int, embedding: int, hidden: int, dropout: float, tied: bool = False
    ) -> None:
        super().__init__()
        if tied and sources != targets:
            raise ValueError(f"tied vectors are for one vocabulary, {sources} and {targets} tokens came")
        self.reads = nn.Embedding(sources, embedding)
        self.writes = self.reads if tied else nn.Embedding(targets, embedding)
        self.encoder = nn.GRU(embedding, hidden, bidirectional=True)
        self.start = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.Tanh())
        self.decoder = AttentiveGRU(embedding, 2 * hidden, hidden)
        self.output: nn.Module = nn.Linear(embedding + 3 * hidden, targets)
        if tied:
            logits = nn.Linear(embedding, targets)
            logits.weight = self.writes.weight
            self.output = nn.Sequential(nn.Linear(embedding + 3 * hidden, embedding), nn.Tanh(), logits)
            with torch.no_grad():
                self.writes.weight.normal_(std=embedding**-0.5)
        self.dropout = nn.Dropout(dropout)
        self.seen: Tensor | None = None

    def encode(self, source: Tensor, lengths: Tensor | None = None) -> Memory:
        """Read tokens (b, m), of which the first `lengths` of each row are valid."""
        if source.dim() != 2:
            raise WrongInput(f"source has shape {tuple(source.shape)}, (batch, steps) tokens were wanted")
        vectors, _ = self.encoder(self.dropout(self.reads(source)), None, lengths)
        return Memory(vectors, up_to(lengths, source.shape[1]))

    def state(self, memory: Memory, capacity: int | None = None) -> Written:
        """The state in which writing begins; it has room for any number of tokens."""
        vectors = memory.vectors
        last = vectors.new_tensor([vectors.shape[1] - 1]).long().expand(len(vectors))
        last = last if memory.valid is None else memory.valid.sum(1) - 1
        onward, back = vectors.chunk(2, 2)
        ends = torch.cat([onward[torch.arange(len(vectors), device=last.device), last], back[:, 0]], 1)
        return Written(self.start(ends))

    def decode(self, target: Tensor, memory: Memory, state: Written | None = None) -> Tensor:
        """Logits after each of the tokens (b, n), which go on where the state ends and move it."""
        if target.dim() != 2:
            raise WrongInput(f"target has shape {tuple(target.shape)}, (batch, steps) tokens were wanted")
        state = self.state(memory) if state is None else state
        tokens = self.dropout(self.writes(target))
        steps, state.hidden, self.seen = self.decoder(tokens, memory, state.hidden)
        return self.output(self.dropout(steps))

    def forward(self, source: Tensor, target: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.decode(target, self.encode(source, lengths))


def seq2seq(
    sources: int, targets: int, embedding: int = 128, hidden: int = 256, dropout: float = 0.2,
    tied: bool = False,
) -> Seq2Seq:  # fmt: skip
    """1.9 million parameters beside the tokens; 1,000 or 620 and 1,000 in the paper."""
    return Seq2Seq(sources, targets, embedding, hidden, dropout, tied)
