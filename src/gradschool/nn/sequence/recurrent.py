"""Recurrent layers: a simple network, LSTM and GRU, with torch.nn's names of parameters and their order.

A state dict of torch's layer of that name loads into ours, and the same seed draws the same weights.
Deviations: batch first always, `lengths` instead of packed sequences, layer normalisation on demand.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.sequence.stack import Stack
from gradschool.ops.sequence import recurrent as ops


class Recurrent(Stack):
    """What the three have in common: matrices for the input and the state, and a bias with each.

    Args:
        inputs: features of a step.
        hidden: units of each layer and direction.
        layers: how many.
        bidirectional: whether a second network reads each sequence from its end.
        dropout: probability of silence between layers in training, 0 to 1.
        norm: whether both products, and an LSTM's cell state, are layer-normalised; their shifts replace the
            biases.
    """

    gates = 1  # rows of weights for each unit

    def __init__(
        self, inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False, dropout: float = 0.0,
        norm: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(inputs, hidden, layers, bidirectional, dropout)
        self.norm, rows = norm, self.gates * hidden
        for end, width in self.ends():
            self.add(f"weight_ih{end}", rows, width)
            self.add(f"weight_hh{end}", rows, hidden)
            for part, size in (("ih", rows), ("hh", rows), ("c", hidden)):
                if norm and (part != "c" or self.states > 1):
                    self.register_parameter(f"gain_{part}{end}", nn.Parameter(torch.ones(size)))
                    self.register_parameter(f"shift_{part}{end}", nn.Parameter(torch.zeros(size)))
                elif not norm and part != "c":
                    self.add(f"bias_{part}{end}", rows)

    def weights(self, end: str) -> ops.Weights:
        """The parameters of one layer in one direction."""

        def own(name: str) -> Tensor | None:
            return self._parameters.get(name + end)

        def norm(part: str) -> tuple[Tensor, Tensor] | None:
            gain, shift = own(f"gain_{part}"), own(f"shift_{part}")
            return None if gain is None or shift is None else (gain, shift)

        ih, hh = getattr(self, f"weight_ih{end}"), getattr(self, f"weight_hh{end}")
        norms = norm("ih"), norm("hh"), norm("c")
        return ops.Weights(ih, hh, own("bias_ih"), own("bias_hh"), *norms)


class RNN(Recurrent):
    """Elman's simple recurrent network, with tanh; arguments as in `Recurrent`."""

    def run(
        self, x: Tensor, state: tuple[Tensor, ...], end: str, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See Stack.run."""
        y, h = ops.rnn(x, state[0], self.weights(end), lengths, reverse)
        return y, (h,)


class GRU(Recurrent):
    """Gated recurrent units; arguments as in `Recurrent`."""

    gates = 3

    def run(
        self, x: Tensor, state: tuple[Tensor, ...], end: str, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See Stack.run."""
        y, h = ops.gru(x, state[0], self.weights(end), lengths, reverse)
        return y, (h,)


class LSTM(Recurrent):
    """Long short-term memory; its state is the pair (h, c).

    Args:
        forget_bias: what the forget gates' sums begin with; None draws it like all other biases. With 1 or
            more a cell begins by remembering.
    Others as in `Recurrent`.

    Source: Gers et al. 2000; Jozefowicz et al. 2015 (a forget bias of 1).
    """

    gates = 4
    states = 2

    def __init__(
        self, inputs: int, hidden: int, layers: int = 1, bidirectional: bool = False, dropout: float = 0.0,
        norm: bool = False, forget_bias: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(inputs, hidden, layers, bidirectional, dropout, norm)
        if forget_bias is not None:
            word = "shift" if norm else "bias"
            with torch.no_grad():
                for end, _ in self.ends():
                    getattr(self, f"{word}_ih{end}")[hidden : 2 * hidden] = forget_bias
                    getattr(self, f"{word}_hh{end}")[hidden : 2 * hidden] = 0

    def run(
        self, x: Tensor, state: tuple[Tensor, ...], end: str, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See Stack.run."""
        h, c = state
        return ops.lstm(x, (h, c), self.weights(end), lengths, reverse)
