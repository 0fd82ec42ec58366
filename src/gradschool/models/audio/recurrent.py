"""Recurrent networks that hear a word: rows of features in, a logit for each class out.

The six named ones are those of a coursework of 2021 on Speech Commands, with 32 hidden units: one layer or
two, read forwards or both ways. Sources: Hochreiter and Schmidhuber 1997 (LSTM), Cho et al. 2014 (GRU),
Schuster and Paliwal 1997 (both ways). Deviation: dropout before the last layer.
"""

from typing import Literal

import torch
from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput

Cell = Literal["lstm", "gru"]


class RecurrentClassifier(nn.Module):
    """Recurrent layers, whose state at the end of the recording is classified by a linear layer.

    Its input are rows (b, t, features) and how many of each recording are valid (None: all).

    Of two directions the state of each is taken where it has heard everything: forwards at the last row,
    backwards at the first.

    Args:
        features: numbers in a row of the input.
        classes: number of logits.
        cell: "lstm" or "gru".
        hidden: units of each layer and direction.
        layers: recurrent layers on top of each other.
        both_ways: whether each layer reads backwards as well.
        dropout: probability of silence between layers and before the last one, in training, 0 to below 1.
    """

    def __init__(
        self,
        features: int,
        classes: int,
        cell: Cell,
        hidden: int,
        layers: int,
        both_ways: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        if cell not in ("lstm", "gru"):
            raise ValueError(f"cell is {cell!r}, lstm or gru was wanted")
        self.features, self.directions = features, 1 + both_ways
        make = nn.LSTM if cell == "lstm" else nn.GRU
        self.recurrent = make(features, hidden, layers, both_ways, dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.directions * hidden, classes)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if x.dim() != 3 or x.shape[2] != self.features:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, rows, {self.features}) was wanted")
        _, state = self.recurrent(x, lengths=lengths)
        state = state[0] if isinstance(state, tuple) else state  # of an LSTM without its memory
        heard = torch.cat(list(state[-self.directions :]), 1)  # the top layer, (b, directions * hidden)
        return self.head(self.dropout(heard))


def spoken(
    bands: int, classes: int, cell: Cell = "gru", hidden: int = 32, layers: int = 2, both_ways: bool = True,
    dropout: float = 0.2,
) -> RecurrentClassifier:  # fmt: skip
    """Any of them, by its options; as it stands biGRU-2."""
    return RecurrentClassifier(bands, classes, cell, hidden, layers, both_ways, dropout)


def lstm_1(bands: int, classes: int, hidden: int = 32, dropout: float = 0.2) -> RecurrentClassifier:
    """LSTM, one layer: about 7,600 parameters for 24 bands and 10 classes."""
    return spoken(bands, classes, "lstm", hidden, 1, False, dropout)


def bilstm_1(bands: int, classes: int, hidden: int = 32, dropout: float = 0.2) -> RecurrentClassifier:
    """LSTM, one layer, both ways."""
    return spoken(bands, classes, "lstm", hidden, 1, True, dropout)


def gru_2(bands: int, classes: int, hidden: int = 32, dropout: float = 0.2) -> RecurrentClassifier:
    """GRU, two layers."""
    return spoken(bands, classes, "gru", hidden, 2, False, dropout)


def bigru_2(bands: int, classes: int, hidden: int = 32, dropout: float = 0.2) -> RecurrentClassifier:
    """GRU, two layers, both ways."""
    return spoken(bands, classes, "gru", hidden, 2, True, dropout)


def lstm_2(bands: int, classes: int, hidden: int = 32, dropout: float = 0.2) -> RecurrentClassifier:
    """LSTM, two layers."""
    return spoken(bands, classes, "lstm", hidden, 2, False, dropout)


def bilstm_2(bands: int, classes: int, hidden: int = 32, dropout: float = 0.2) -> RecurrentClassifier:
    """LSTM, two layers, both ways."""
    return spoken(bands, classes, "lstm", hidden, 2, True, dropout)
