"""Recurrent networks: a state is updated at every step of a sequence, by the same weights.

Sources: Elman 1990 (the simple network); Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al.
2000 (LSTM); Cho et al. 2014 (GRU); Ba et al. 2016, supplement (layer normalisation). Deviations: two biases
and the GRU's reset gate after the product, as in torch and cuDNN; each product is normalised by itself in all
three networks, over all gates together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import sigmoid, tanh
from gradschool.ops.linear import linear
from gradschool.ops.norm import layer_norm
from gradschool.ops.sequence.lengths import Lengths, reversed_steps, valid_steps
from gradschool.ops.switch import op

State = Float[Tensor, "b h"]
Pair = tuple[State, State]
Inputs = Float[Tensor, "b t d"]
Outputs = Float[Tensor, "b t h"]
GainAndShift = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Weights:
    """The parameters of one layer in one direction. A network of k gates has k h rows, gate after gate.

    Args:
        ih: W of the input, (k h, d). Order of gates: LSTM i f g o, GRU r z n.
        hh: U of the state, (k h, h).
        bias_ih: added to W x, (k h); None for none.
        bias_hh: added to U h, (k h); None for none.
        norm_ih: gain and shift (k h) of the layer normalisation of W x; None: not normalised.
        norm_hh: the same for U h.
        norm_c: the same (h) for the cell state of an LSTM on its way to the output.
    """

    ih: Tensor
    hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    norm_ih: GainAndShift | None = None
    norm_hh: GainAndShift | None = None
    norm_c: GainAndShift | None = None


def normalised(x: Float[Tensor, "... n"], norm: GainAndShift | None) -> Float[Tensor, "... n"]:
    """Layer normalisation over the last axis, if there is one."""
    return x if norm is None else layer_norm(x, x.shape[-1:], *norm)


def from_input(x: Float[Tensor, "... d"], weights: Weights) -> Float[Tensor, "... n"]:
    """The input's part of all gates, u = W x + b. It needs no state: one product does a whole sequence."""
    return normalised(linear(x, weights.ih, weights.bias_ih), weights.norm_ih)


def from_state(h: State, weights: Weights) -> Float[Tensor, "b n"]:
    """The state's part of all gates, v = U h + b."""
    return normalised(linear(h, weights.hh, weights.bias_hh), weights.norm_hh)


@op
def rnn_cell(u: State, v: State) -> State:
    """The new state of a simple recurrent network, tanh(u + v).

    Args:
        u: the input's part, W x + b.
        v: the state's part, U h + b'.
    """
    return tanh(u + v)


@op
def lstm_cell(
    u: Float[Tensor, "b n *p"], v: Float[Tensor, "b n *p"], c: Float[Tensor, "b h *p"],
    norm: GainAndShift | None = None,
) -> tuple[Float[Tensor, "b h *p"], Float[Tensor, "b h *p"]]:  # fmt: skip
    """One update of a long short-term memory: gates decide what its cell state forgets, takes in and shows.

    Args:
        u: the input's part of the gates i, f, g and o on axis 1, n = 4 h.
        v: the state's part, in the same order.
        c: the cell state before this step.
        norm: gain and shift of a layer normalisation of the new cell state; None for none.

    Returns:
        The new hidden state h, between -1 and 1, and the new cell state c.
    """
    # 1. Sum up both parts and cut them into the input gate, forget gate, candidate and output gate.
    i, f, g, o = (u + v).chunk(4, 1)
    # 2. Forget a share of the cell state and add a share of the candidate.
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    # 3. Show a share of what the cell holds.
    return sigmoid(o) * tanh(normalised(c, norm)), c


@op
def gru_cell(u: Float[Tensor, "b n"], v: Float[Tensor, "b n"], h: State) -> State:
    """One update of a gated recurrent unit: a weighted mean of the old state and a candidate.

    Args:
        u: the input's part of the reset gate r, update gate z and candidate n, side by side: n = 3 h.
        v: the state's part, in the same order.
        h: the state before this step.
    """
    # 1. Cut both parts into the reset gate, the update gate and the candidate.
    (u_r, u_z, u_n), (v_r, v_z, v_n) = u.chunk(3, 1), v.chunk(3, 1)
    # 2. The reset gate decides how much of the state the candidate sees.
    candidate = tanh(u_n + sigmoid(u_r + v_r) * v_n)
    # 3. The update gate is the share of the old state that stays.
    return torch.lerp(candidate, h, sigmoid(u_z + v_z))


@op
def rnn_step(x: Float[Tensor, "b d"], h: State, weights: Weights) -> State:
    """One step of a simple recurrent network: h' = tanh(W x + b + U h + b').

    Args:
        x: the input of this step, (b, d).
        h: the hidden state before it, (b, h).
        weights: W is `ih`, U is `hh`, the biases are `bias_ih` and `bias_hh`; a bias may be None. Where
            `norm_ih` or `norm_hh` is given, `normalised` is applied to W x + b or to U h + b' by itself.

    Returns:
        The new hidden state h', between -1 and 1.
    """
    # 1. What the input contributes: W x + b, the same weights at every step.
    u = normalised(linear(x, weights.ih, weights.bias_ih), weights.norm_ih)
    # 2. What the state contributes: U h + b'.
    v = normalised(linear(h, weights.hh, weights.bias_hh), weights.norm_hh)
    # 3. The tanh of their sum is the new state.
    return tanh(u + v)


@op
def lstm_step(x: Float[Tensor, "b d"], state: Pair, weights: Weights) -> Pair:
    """One step of an LSTM, from the input and the pair (hidden state, cell state) to the new pair."""
    h, c = state
    return lstm_cell(from_input(x, weights), from_state(h, weights), c, weights.norm_c)


@op
def gru_step(x: Float[Tensor, "b d"], h: State, weights: Weights) -> State:
    """One step of a gated recurrent unit."""
    return gru_cell(from_input(x, weights), from_state(h, weights), h)


@op
def unrolled(
    cell: Callable[..., tuple[Tensor, ...]], x: Tensor, state: tuple[Tensor, ...], weights: Weights,
    lengths: Tensor | None, reverse: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:  # fmt: skip
    """Update a state along a sequence; `rnn`, `lstm` and `gru` say with which cell.

    Args:
        cell: maps u (the input's part, `from_input`), v (the state's part, `from_state` of h) and the state's
            tensors to the new ones, h first.
        x: b sequences of t steps, padded at the end, (b, t, d).
        state: the state's tensors before the first step that is read, each (b, h); h first.
        weights: of the layer, the same at every step.
        lengths: valid steps of each sequence, 1 to t; None: all are t long.
        reverse: read from the last valid step to the first; outputs stay at the steps they belong to.

    Returns:
        The hidden state h after each step, 0 at the padding, (b, t, h), and the state after the last valid
        step of each sequence.
    """
    x = reversed_steps(x, lengths) if reverse else x
    # 1. The input's part of all steps at once. `unbind` cuts it into steps with one backward node: slicing
    #    inside the loop would fill a whole sequence of zeros for every step of the backward pass.
    u = from_input(x.transpose(0, 1), weights).unbind(0)
    valid = None if lengths is None else valid_steps(lengths, x.shape[1]).T.unsqueeze(2).unbind(0)
    # 2. Step by step; a sequence that is over keeps its state.
    outputs = []
    for t in range(x.shape[1]):
        new = cell(u[t], from_state(state[0], weights), *state)
        if valid is not None:
            new = tuple(torch.where(valid[t], now, old) for now, old in zip(new, state, strict=True))
        state = new
        outputs.append(state[0])
    # 3. The hidden states side by side, 0 at the padding.
    y = torch.stack(outputs, 1)
    if lengths is not None:
        y = y * valid_steps(lengths, x.shape[1]).unsqueeze(2)
    return reversed_steps(y, lengths) if reverse else y, state


@op
def rnn(
    x: Inputs, state: State, weights: Weights, lengths: Lengths | None = None, reverse: bool = False
) -> tuple[Outputs, State]:
    """A simple recurrent network over whole sequences, one layer in one direction.

    Args:
        x: b sequences of t steps, padded at the end.
        state: before the first step that is read.
        weights: of the layer.
        lengths: valid steps of each sequence, 1 to t; None: all are t long.
        reverse: read from the last valid step to the first; outputs stay at the steps they belong to.

    Returns:
        The state after each step, 0 at the padding, and the state after the last step that was read.
    """
    y, (h,) = unrolled(lambda u, v, h: (rnn_cell(u, v),), x, (state,), weights, lengths, reverse)
    return y, h


@op
def lstm(
    x: Inputs, state: Pair, weights: Weights, lengths: Lengths | None = None, reverse: bool = False
) -> tuple[Outputs, Pair]:
    """An LSTM over whole sequences; see `rnn`. The state is the pair (h, c), the outputs are the h."""

    def cell(u: Tensor, v: Tensor, h: Tensor, c: Tensor) -> Pair:
        return lstm_cell(u, v, c, weights.norm_c)

    y, (h, c) = unrolled(cell, x, state, weights, lengths, reverse)
    return y, (h, c)


@op
def gru(
    x: Inputs, state: State, weights: Weights, lengths: Lengths | None = None, reverse: bool = False
) -> tuple[Outputs, State]:
    """A gated recurrent unit over whole sequences; see `rnn`."""
    y, (h,) = unrolled(lambda u, v, h: (gru_cell(u, v, h),), x, (state,), weights, lengths, reverse)
    return y, h


@dataclass(frozen=True)
class Gradients:
    """What `bptt` returns: the gradient of the loss with respect to each of these."""

    x: Inputs
    state: State
    ih: Tensor
    hh: Tensor
    bias: Tensor


@op
def bptt(x: Inputs, state: State, outputs: Outputs, slopes: Outputs, weights: Weights) -> Gradients:
    """Back-propagation through time for the simple recurrent network, written out.

    Args:
        x: inputs x_1 to x_t.
        state: h_0.
        outputs: h_1 to h_t, as `rnn` gave them.
        slopes: how the loss depends on each output directly, not through later states.
        weights: without normalisation.

    Returns:
        Gradients of the inputs, of h_0, of W, of U, and of the bias (the same for both biases).

    Source: Werbos 1990; Goodfellow et al. 2016, section 10.2.2.
    """
    # 1. From the last step to the first: a state matters directly and through the one after it. The slope of
    #    tanh at a is 1 - tanh(a)^2, and the outputs are these tanh.
    later, sums = torch.zeros_like(state), []
    for t in reversed(range(x.shape[1])):
        delta = (slopes[:, t] + later) * (1 - outputs[:, t] ** 2)
        later = delta @ weights.hh
        sums.append(delta)
    a = torch.stack(sums[::-1], 1)
    # 2. The weights are the same at every step, so their gradients are sums over steps and sequences. U meets
    #    the state before each step.
    before = torch.cat([state.unsqueeze(1), outputs[:, :-1]], 1)
    return Gradients(
        x=a @ weights.ih,
        state=later,
        ih=torch.einsum("bth,btd->hd", a, x),
        hh=torch.einsum("bth,btk->hk", a, before),
        bias=a.sum((0, 1)),
    )


def detach_state(state: Tensor | Sequence[Tensor]) -> Tensor | tuple[Tensor, ...]:
    """The same numbers without their history: the backward pass stops here (truncated BPTT)."""
    return state.detach() if isinstance(state, Tensor) else tuple(each.detach() for each in state)
