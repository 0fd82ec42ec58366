"""The cells in force, the library's or the learner's, beside torch's: values, gradients, padding."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gradschool import nn
from gradschool.classroom.coursework.frame import Lost
from gradschool.ops import switch
from gradschool.ops.sequence import recurrent as ops

CLOSE = 1e-8  # float64: two libraries differ by some 1e-15
INPUTS, HIDDEN, ROWS = 4, 5, 3
Cell = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def lstm(u: Tensor, v: Tensor, h: Tensor, c: Tensor) -> Tensor:
    """Both new states of the LSTM cell in force, side by side."""
    return torch.cat(ops.lstm_cell(u, v, c), 1)


def gru(u: Tensor, v: Tensor, h: Tensor, c: Tensor) -> Tensor:
    """The new state of the GRU cell in force."""
    return ops.gru_cell(u, v, h)


def torch_lstm(u: Tensor, v: Tensor, h: Tensor, c: Tensor) -> Tensor:
    """Torch's cell, with weights that hand on u and take the state's part as a bias."""
    weights = torch.eye(u.shape[1], dtype=u.dtype), torch.zeros(u.shape[1], h.shape[1], dtype=u.dtype)
    return torch.cat(torch.lstm_cell(u + v, (h, c), *weights), 1)


def torch_gru(u: Tensor, v: Tensor, h: Tensor, c: Tensor) -> Tensor:
    """Torch's cell, row by row: the state's part is its bias, and so may differ from row to row."""
    one, none = torch.eye(u.shape[1], dtype=u.dtype), torch.zeros(u.shape[1], h.shape[1], dtype=u.dtype)
    rows = [
        torch.gru_cell(u[i : i + 1], h[i : i + 1], one, none, torch.zeros_like(v[i]), v[i])
        for i in range(len(u))
    ]
    return torch.cat(rows)


def cell_share(mine: Cell, wanted: Cell, gates: int) -> tuple[float, str]:
    """Half for values, half for gradients that are torch's.

    Raises:
        Lost: the cell breaks, or its values are others.
    """
    draw = torch.Generator().manual_seed(0)
    shapes = ((ROWS, gates * HIDDEN),) * 2 + ((ROWS, HIDDEN),) * 2
    given = [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for shape in shapes]
    try:
        found = mine(*given)
        true = wanted(*given)
        apart = float((found - true).detach().abs().max())
        slopes = [torch.autograd.grad(y.square().sum(), given, allow_unused=True) for y in (found, true)]
    except Exception as error:  # whatever the learner's code does
        raise Lost(f"It stops with {type(error).__name__}: {error}") from error
    if not apart < CLOSE:
        raise Lost(f"Its states differ from torch's by {apart:.2g}.")
    pairs = [(a if a is not None else torch.zeros_like(x), b if b is not None else torch.zeros_like(x))
             for a, b, x in zip(*slopes, given, strict=True)]  # fmt: skip
    steep = max(float((a - b).abs().max()) for a, b in pairs)
    if not steep < CLOSE:
        return 0.5, f"States are torch's; gradients differ by {steep:.2g}."
    return 1.0, f"States and gradients are torch's, within {CLOSE:.0e}."


def stack_share() -> tuple[float, str]:
    """Two bidirectional layers of the cells in force on padded recordings, beside torch's packed ones."""
    told, right = [], 0
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(ROWS, 7, INPUTS, generator=draw, dtype=torch.float64)
    lengths = torch.tensor([7, 2, 5])
    for name in ("LSTM", "GRU"):
        peer = getattr(torch.nn, name)(INPUTS, HIDDEN, 2, bidirectional=True, batch_first=True).double()
        for weight in peer.parameters():
            weight.data.normal_(generator=draw)
        own = getattr(nn, name)(INPUTS, HIDDEN, 2, True).double()
        own.load_state_dict(peer.state_dict())
        try:
            with torch.no_grad(), switch.using("plain"):
                found, _ = own(x, lengths=lengths)
                packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
                wanted, _ = pad_packed_sequence(peer(packed)[0], batch_first=True)
            apart = float((found - wanted).abs().max())
        except Exception as error:  # whatever the learner's code does
            told.append(f"{name} stops with {type(error).__name__}: {error}")
            continue
        right += apart < CLOSE
        told.append(f"{name} the same" if apart < CLOSE else f"{name} differs by {apart:.2g}")
    return right / 2, f"Beside torch's packed sequences: {'; '.join(told)}."
