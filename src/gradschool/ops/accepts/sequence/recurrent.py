"""What the recurrent networks refuse; see gradschool.ops.sequence.recurrent."""

from typing import Any

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, shaped, within

Pair = tuple[Tensor, Tensor]


def sequences(gates: int, x: Tensor, state: Tensor | Pair, weights: Any, lengths: Tensor | None) -> None:
    """Sequences, a state and weights that fit each other, and lengths from 1 to the number of steps."""
    floating(x=x)
    axes("x", x, "(batch, steps, features)", 3, 3)
    if x.shape[1] < 1:
        raise ValueError(f"x has shape {tuple(x.shape)}, one step or more was wanted")
    hidden = weights.hh.shape[1]
    shaped("the weight of the input", weights.ih, (gates * hidden, x.shape[2]))
    shaped("the weight of the state", weights.hh, (gates * hidden, hidden))
    for each in state if isinstance(state, tuple) else (state,):
        shaped("the state", each, (len(x), hidden))
    if lengths is not None:
        shaped("lengths", lengths, (len(x),))
        within("lengths", lengths, 1, x.shape[1])


def rnn(x: Tensor, state: Tensor, weights: Any, lengths: Tensor | None = None, reverse: bool = False) -> None:
    """One row of weights for each unit."""
    sequences(1, x, state, weights, lengths)


def lstm(x: Tensor, state: Pair, weights: Any, lengths: Tensor | None = None, reverse: bool = False) -> None:
    """Four rows for each unit, and two states."""
    sequences(4, x, state, weights, lengths)


def gru(x: Tensor, state: Tensor, weights: Any, lengths: Tensor | None = None, reverse: bool = False) -> None:
    """Three rows for each unit."""
    sequences(3, x, state, weights, lengths)
