"""torch-native recurrent networks, with the names and arguments of gradschool.ops.sequence.recurrent.

A learner's own cell or loop goes first: where there is one, the op's loop runs instead of torch's kernel.
"""

from typing import Any

import torch
from torch import Tensor

from gradschool.ops.sequence import recurrent as ops
from gradschool.ops.sequence.lengths import last_valid, reversed_steps, valid_steps
from gradschool.ops.sequence.recurrent import Weights
from gradschool.ops.switch import Op

Pair = tuple[Tensor, Tensor]
FAR = 1e4  # a gate's sum at which the sigmoid is exactly 0 or 1 in every precision


def _has_kernel(weights: Weights, cell: Op[..., Any]) -> bool:
    """Whether torch has this network: not layer-normalised, and not of a learner's own cell or loop."""
    norms = weights.norm_ih, weights.norm_hh, weights.norm_c
    return all(norm is None for norm in norms) and not cell.mine and not ops.unrolled.mine


def _biases(weights: Weights) -> Pair:
    """Both biases; the kernels want both or none."""
    zeros = weights.hh.new_zeros(len(weights.hh))
    ih, hh = weights.bias_ih, weights.bias_hh
    return zeros if ih is None else ih, zeros if hh is None else hh


def rnn_step(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """See ops.sequence.recurrent.rnn_step."""
    if not _has_kernel(weights, ops.rnn_cell):
        return ops.rnn_step.plain(x, h, weights)
    return torch.rnn_tanh_cell(x, h, weights.ih, weights.hh, *_biases(weights))


def lstm_step(x: Tensor, state: Pair, weights: Weights) -> Pair:
    """See ops.sequence.recurrent.lstm_step."""
    if not _has_kernel(weights, ops.lstm_cell):
        return ops.lstm_step.plain(x, state, weights)
    return torch.lstm_cell(x, state, weights.ih, weights.hh, *_biases(weights))


def gru_step(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """See ops.sequence.recurrent.gru_step."""
    if not _has_kernel(weights, ops.gru_cell):
        return ops.gru_step.plain(x, h, weights)
    return torch.gru_cell(x, h, weights.ih, weights.hh, *_biases(weights))


def _flat(weights: Weights) -> list[Tensor]:
    """The parameters in the order of torch's kernels."""
    return [weights.ih, weights.hh, *_biases(weights)]


def _kernel(which: str, x: Tensor, state: Tensor | Pair, weights: Weights) -> tuple[Tensor, ...]:
    """The kernel of torch over whole sequences, batch first: one layer, one direction, without dropout.

    On a CPU it computes in the weights' precision: oneDNN's LSTM fails under autocast.
    """
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            to = weights.hh.dtype
            wide = (state[0].to(to), state[1].to(to)) if isinstance(state, tuple) else state.to(to)
            return _kernel(which, x.to(to), wide, weights)
    own = tuple(s.unsqueeze(0) for s in state) if isinstance(state, tuple) else state.unsqueeze(0)
    found = getattr(torch, which)(x, own, _flat(weights), True, 1, 0.0, torch.is_grad_enabled(), False, True)
    return tuple(each if i == 0 else each.squeeze(0) for i, each in enumerate(found))


def _zero_padding(y: Tensor, lengths: Tensor | None) -> Tensor:
    """Outputs, 0 at the padding."""
    return y if lengths is None else y * valid_steps(lengths, y.shape[1]).unsqueeze(2)


def _outputs_are_states(
    which: str, x: Tensor, state: Tensor, weights: Weights, lengths: Tensor | None, reverse: bool
) -> tuple[Tensor, Tensor]:
    """A network whose output at a step is its state, so that the state after the last valid step is there."""
    x = reversed_steps(x, lengths) if reverse else x
    y, _ = _kernel(which, x, state, weights)
    h, y = last_valid(y, lengths), _zero_padding(y, lengths)
    return reversed_steps(y, lengths) if reverse else y, h


def rnn(
    x: Tensor, state: Tensor, weights: Weights, lengths: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """See ops.sequence.recurrent.rnn."""
    if not _has_kernel(weights, ops.rnn_cell):
        return ops.rnn.plain(x, state, weights, lengths, reverse)
    return _outputs_are_states("rnn_tanh", x, state, weights, lengths, reverse)


def gru(
    x: Tensor, state: Tensor, weights: Weights, lengths: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """See ops.sequence.recurrent.gru."""
    if not _has_kernel(weights, ops.gru_cell):
        return ops.gru.plain(x, state, weights, lengths, reverse)
    return _outputs_are_states("gru", x, state, weights, lengths, reverse)


def lstm(
    x: Tensor, state: Pair, weights: Weights, lengths: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, Pair]:
    """See ops.sequence.recurrent.lstm.

    The kernel returns the cell state after the last step only, padding included. An input more, 1 at the
    padding, closes the input gate and opens the forget gate there: c stays what it was, exactly.
    """
    if not _has_kernel(weights, ops.lstm_cell):
        return ops.lstm.plain(x, state, weights, lengths, reverse)
    x = reversed_steps(x, lengths) if reverse else x
    padded, of_padded = x, weights
    if lengths is not None:
        padding = ~valid_steps(lengths, x.shape[1]).unsqueeze(2)
        hold = x.new_tensor([-FAR, FAR, 0, 0]).repeat_interleave(weights.hh.shape[1]).unsqueeze(1)
        padded = torch.cat([x, padding.to(x.dtype)], 2)
        of_padded = Weights(
            torch.cat([weights.ih, hold.to(weights.ih.dtype)], 1), weights.hh, *_biases(weights)
        )
    y, h, c = _kernel("lstm", padded, state, of_padded)
    h, y = last_valid(y, lengths), _zero_padding(y, lengths)
    return reversed_steps(y, lengths) if reverse else y, (h, c)
