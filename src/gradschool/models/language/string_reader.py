"""Gated recurrent networks that read strings of symbols: LSTM, GRU and minGRU under one output layer.

Sources: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 (forget gate); Cho et al. 2014;
Feng et al. 2024 (minGRU, whose gates see the input alone). Nothing is between layers.
"""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gradschool import nn
from gradschool.nn.sequence.parallel import MinGRU
from gradschool.nn.sequence.recurrent import GRU, LSTM


class StringReader(nn.Module):
    """One-hot symbols, a recurrent layer, a logit for every answer.

    Args:
        symbols: that strings are made of.
        answers: to choose from after each symbol.
        recurrent: (b, t, symbols) to (b, t, hidden) and a state.
        hidden: units of the recurrent layer.
    """

    def __init__(self, symbols: int, answers: int, recurrent: nn.Module, hidden: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.recurrent = recurrent
        self.readout = nn.Linear(hidden, answers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols (b, t) to logits (b, t, answers) and outputs of the recurrent layer (b, t, hidden)."""
        hidden, _ = self.recurrent(one_hot(x, self.symbols).to(self.readout.weight.dtype))
        return self.readout(hidden), hidden

    def cells(self, x: Tensor) -> Tensor:
        """The cell state of the last layer after each symbol, (b, t, hidden); of an LSTM only."""
        inputs, state, found = one_hot(x, self.symbols).to(self.readout.weight.dtype), None, []
        for t in range(x.shape[1]):
            _, state = self.recurrent(inputs[:, t : t + 1], state)
            found.append(state[1][-1])
        return torch.stack(found, 1)


def lstm_reader(symbols: int, answers: int, hidden: int = 4, layers: int = 1) -> StringReader:
    """243 parameters for Reber's seven symbols and four cells, which begin by remembering."""
    return StringReader(symbols, answers, LSTM(symbols, hidden, layers, forget_bias=1.0), hidden)


def gru_reader(symbols: int, answers: int, hidden: int = 4, layers: int = 1) -> StringReader:
    """The same with a GRU."""
    return StringReader(symbols, answers, GRU(symbols, hidden, layers), hidden)


def mingru_reader(symbols: int, answers: int, hidden: int = 32, layers: int = 1) -> StringReader:
    """The same with a minGRU, whose gates do not see the state."""
    return StringReader(symbols, answers, MinGRU(symbols, hidden, layers), hidden)
