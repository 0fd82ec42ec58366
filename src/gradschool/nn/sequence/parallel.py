"""Recurrent layers whose gates see the input only, so that a whole sequence is computed in parallel.

Source: Feng et al. 2024. Deviation: one matrix product for all gates, candidates in linear space.
"""

from torch import Tensor

from gradschool.nn.sequence.stack import Stack
from gradschool.ops.linear import linear
from gradschool.ops.sequence import scan
from gradschool.ops.sequence.lengths import last_valid, reversed_steps, valid_steps


class Minimal(Stack):
    """What both have in common: one linear map of the input to all gates; arguments as in `Stack`."""

    gates = 2

    def __init__(
        self, inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__(inputs, hidden, layers, bidirectional, dropout)
        for end, width in self.ends():
            self.add(f"weight{end}", self.gates * hidden, width)
            self.add(f"bias{end}", self.gates * hidden)

    def scan(self, u: Tensor, state: Tensor) -> Tensor:
        """From the gates' sums to all states."""
        raise NotImplementedError

    def run(
        self, x: Tensor, state: tuple[Tensor, ...], end: str, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See Stack.run."""
        x = reversed_steps(x, lengths) if reverse else x
        weight, bias = getattr(self, f"weight{end}"), getattr(self, f"bias{end}")
        y = self.scan(linear(x, weight, bias), state[0])
        h = last_valid(y, lengths)
        if lengths is not None:
            y = y * valid_steps(lengths, y.shape[1]).unsqueeze(2)
        return reversed_steps(y, lengths) if reverse else y, (h,)


class MinGRU(Minimal):
    """The minimal GRU; arguments as in `Stack`."""

    def scan(self, u: Tensor, state: Tensor) -> Tensor:
        """See ops.sequence.scan.min_gru."""
        return scan.min_gru(u, state)


class MinLSTM(Minimal):
    """The minimal LSTM; arguments as in `Stack`. It has no second state."""

    gates = 3

    def scan(self, u: Tensor, state: Tensor) -> Tensor:
        """See ops.sequence.scan.min_lstm."""
        return scan.min_lstm(u, state)
