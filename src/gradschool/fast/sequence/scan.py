"""Linear recurrences with a backward pass of their own; see gradschool.ops.sequence.scan.

The gradient of a linear recurrence is a linear recurrence from the last step to the first, so no step has to
be remembered but the states themselves. Both directions are computed in place, by chunks where the rows of
one step are too short to keep a processor busy.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gradschool.ops.norm import wide

ENOUGH = 4096  # numbers a step from which one operation a step is no longer dominated by its start


def _in_place(a: Tensor, h: Tensor) -> None:
    """Turn h, which holds b_1 to b_t along axis 1 with the first state added in, into h_1 to h_t."""
    before = h[:, 0]
    for a_t, h_t in zip(a.unbind(1)[1:], h.unbind(1)[1:], strict=True):
        before = h_t.addcmul_(a_t, before)


def _by_chunks(a: Tensor, h: Tensor, chunk: int) -> None:
    """The same with whole chunks beside each other; see ops.sequence.scan.chunked_recurrence."""
    whole = h.shape[1] // chunk * chunk
    cut, left = h[:, :whole].unflatten(1, (-1, chunk)), a[:, :whole].unflatten(1, (-1, chunk)).clone()
    # 1. Within all chunks, each as if it began at 0; `left` becomes the running product of a.
    for t in range(1, chunk):
        cut[:, :, t].addcmul_(left[:, :, t], cut[:, :, t - 1])
        left[:, :, t].mul_(left[:, :, t - 1])
    # 2. From chunk to chunk, then the beginning into every state; the last, shorter chunk step by step.
    for k in range(1, cut.shape[1]):
        cut[:, k].addcmul_(left[:, k], cut[:, k - 1, -1:])
    if whole < h.shape[1]:
        _in_place(a[:, whole - 1 :], h[:, whole - 1 :])


def _states(a: Tensor, b: Tensor, state: Tensor) -> Tensor:
    """All states, without a graph."""
    h = b.clone(memory_format=torch.contiguous_format)
    h[:, 0].addcmul_(a[:, 0], state)
    t, chunk = h.shape[1], round(h.shape[1] ** 0.5)
    if h[:, 0].numel() >= ENOUGH or chunk < 4:
        _in_place(a, h)
    else:
        _by_chunks(a, h, chunk)
    return h


class Recurrence(Function):
    """A linear recurrence as one node of the graph."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, state: Tensor) -> Tensor:
        h = _states(a, b, state)
        ctx.save_for_backward(a, state, h)
        return h

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, state, h = ctx.saved_tensors
        # 1. b_t matters through h_t and all later states: g_t = slope_t + a_{t+1} g_{t+1}.
        later = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], 1).flip(1)
        g = linear_recurrence(later, slope.flip(1), torch.zeros_like(state)).flip(1)
        # 2. a_t matters by the state that it multiplies, the first state by a_1.
        before = torch.cat([state.unsqueeze(1), h[:, :-1]], 1)
        return g * before, g, g[:, 0] * a[:, 0]


def linear_recurrence(a: Tensor, b: Tensor, state: Tensor) -> Tensor:
    """See ops.sequence.scan.linear_recurrence."""
    return Recurrence.apply(wide(a), wide(b), wide(state))
