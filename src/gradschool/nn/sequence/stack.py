"""What recurrent layers have in common: several above each other, in one direction or two, for sequences of
different lengths.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.arguments import check_sizes
from gradschool.nn.conv import uniform_
from gradschool.ops.linear import dropout

State = Tensor | tuple[Tensor, ...]


class Stack(nn.Module):
    """Layers of a recurrent network. A subclass says how one layer runs in one direction.

    `forward(x, state=None, lengths=None)` takes sequences (b, t, inputs), padded at the end, the state before
    the first step (zeros if None) and the number of valid steps of each sequence (all if None). It returns
    the outputs of the last layer (b, t, hidden * directions), 0 at the padding, and the state after the last
    valid step: a tensor (layers * directions, b, hidden), or a tuple of them where the network has several.

    Args:
        inputs: features of a step.
        hidden: units of each layer and direction.
        layers: how many, each reading the outputs of the one below.
        bidirectional: whether a second network reads each sequence from its end; its outputs come behind.
        dropout: probability of silence between layers in training, 0 to 1.
    """

    states = 1  # tensors that the state consists of

    def __init__(
        self, inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        check_sizes(inputs=inputs, hidden=hidden, layers=layers)
        for name, count in (("inputs", inputs), ("hidden", hidden), ("layers", layers)):
            if count < 1:
                raise ValueError(f"{name} is {count}, 1 or more was wanted")
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout is {dropout}, a probability from 0 to 1 was wanted")
        self.inputs, self.hidden, self.layers = inputs, hidden, layers
        self.bidirectional, self.dropout = bidirectional, dropout
        self.directions = 2 if bidirectional else 1

    def ends(self) -> list[tuple[str, int]]:
        """How the names of each layer's and direction's parameters end, as in torch, and its inputs."""
        width = [self.inputs, *[self.hidden * self.directions] * (self.layers - 1)]
        ways = ["", "_reverse"][: self.directions]
        return [(f"_l{layer}{way}", width[layer]) for layer in range(self.layers) for way in ways]

    def add(self, name: str, *shape: int) -> None:
        """A new parameter, uniform within 1 / sqrt(hidden)."""
        value = nn.Parameter(torch.empty(shape))
        uniform_(value, self.hidden)
        self.register_parameter(name, value)

    def run(
        self, x: Tensor, state: tuple[Tensor, ...], end: str, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One layer in one direction, whose parameters end in `end`: outputs and the state at the end."""
        raise NotImplementedError

    def start(self, x: Tensor) -> Tensor:
        """Zeros, (layers * directions, b, hidden)."""
        return x.new_zeros(self.layers * self.directions, x.shape[0], self.hidden)

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        if x.dim() != 3 or x.shape[2] != self.inputs:
            wanted = f"(batch, steps, {self.inputs}) was wanted"
            raise ValueError(f"input has shape {tuple(x.shape)}, {wanted}")
        # 1. The state as a tuple of tensors, one row for each layer and direction.
        zeros = self.start(x)
        given = (zeros,) * self.states if state is None else (state,) if isinstance(state, Tensor) else state
        if len(given) != self.states or any(each.shape != zeros.shape for each in given):
            shapes = ", ".join(str(tuple(each.shape)) for each in given)
            raise ValueError(f"state has shape {shapes}, {self.states} x {tuple(zeros.shape)} was wanted")
        # 2. Layer by layer; both directions read the same inputs, and their outputs go side by side.
        rows = list(zip(*(each.unbind(0) for each in given), strict=True))
        reached, sides = [], []
        for index, (end, _) in enumerate(self.ends()):
            side, last = self.run(x, rows[index], end, lengths, end.endswith("_reverse"))
            reached.append(last)
            sides.append(side)
            if len(sides) == self.directions:
                x, sides = torch.cat(sides, 2) if self.bidirectional else sides[0], []
                if index + 1 < len(rows):
                    x = dropout(x, self.dropout, self.training)
        # 3. The state in the form in which it came.
        found = tuple(torch.stack(each) for each in zip(*reached, strict=True))
        return x, found if self.states > 1 else found[0]

    def extra_repr(self) -> str:
        """What print shows."""
        more = ", bidirectional" if self.bidirectional else ""
        silence = f", dropout={self.dropout}" if self.dropout else ""
        return f"{self.inputs}, {self.hidden}, layers={self.layers}{more}{silence}"
