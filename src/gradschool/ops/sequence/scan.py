"""Linear recurrences h_t = a_t h_{t-1} + b_t, step by step and in parallel, and the networks made of them.

Where a and b depend on the input alone, the recurrence is linear in the state, so chunks of the sequence can
be computed beside each other and joined afterwards.
Sources: Blelloch 1990 (scans); Martin and Cundy 2018 (linear recurrent networks); Feng et al. 2024 (minGRU,
minLSTM). Deviation: candidates in linear space, as in the paper's section 3, not as logarithms.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import sigmoid, softplus
from gradschool.ops.norm import wide
from gradschool.ops.switch import op

Steps = Float[Tensor, "b t *d"]
State = Float[Tensor, "b *d"]


@op
def linear_recurrence(a: Steps, b: Steps, state: State) -> Steps:
    """All states of h_t = a_t h_{t-1} + b_t, elementwise, one step after the other.

    Args:
        a: what each step keeps of the state before it.
        b: what each step adds.
        state: h_0.

    Returns:
        h_1 to h_t, in float32 at least: rounding errors would add up along a sequence.
    """
    a, b, h = wide(a), wide(b), wide(state)
    states = []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1), strict=True):
        h = a_t * h + b_t
        states.append(h)
    return torch.stack(states, 1)


@op
def chunked_recurrence(a: Steps, b: Steps, state: State, chunk: int = 32) -> Steps:
    """The same states by chunks: about `chunk` + t / `chunk` dependent operations instead of t.

    It multiplies and adds only. The closed form with quotients of running products divides by numbers that
    underflow; it is not used.

    Args:
        a: what each step keeps of the state before it.
        b: what each step adds.
        state: h_0.
        chunk: steps in a chunk, >= 1; t need not be a multiple.

    Returns:
        h_1 to h_t, in float32 at least.
    """
    a, b, state, t = wide(a), wide(b), wide(state), a.shape[1]
    # 1. Cut the sequence into chunks side by side, (b, chunks, chunk, ...). Steps that fill up the last chunk
    #    come after all others, so what they hold is cut off at the end.
    more = -t % chunk
    a = torch.cat([a, torch.ones_like(a[:, :1]).expand(-1, more, *a.shape[2:])], 1)
    b = torch.cat([b, torch.zeros_like(b[:, :1]).expand(-1, more, *b.shape[2:])], 1)
    a, b = (x.reshape(len(x), -1, chunk, *x.shape[2:]) for x in (a, b))
    # 2. Within all chunks at once: states as if each chunk began at 0, and how much of its true beginning is
    #    left after each step.
    h, left = torch.zeros_like(b[:, :, 0]), torch.ones_like(a[:, :, 0])
    states, shares = [], []
    for a_t, b_t in zip(a.unbind(2), b.unbind(2), strict=True):
        h, left = a_t * h + b_t, a_t * left
        states.append(h)
        shares.append(left)
    # 3. From chunk to chunk: the state in which each begins.
    begins = [state]
    for h, left in zip(states[-1].unbind(1), shares[-1].unbind(1), strict=True):
        begins.append(left * begins[-1] + h)
    begin = torch.stack(begins[:-1], 1).unsqueeze(2)
    # 4. What is left of the beginning is added to each state.
    return (torch.stack(states, 2) + torch.stack(shares, 2) * begin).flatten(1, 2)[:, :t]


@op
def min_gru(u: Float[Tensor, "b t n"], state: Float[Tensor, "b h"]) -> Float[Tensor, "b t h"]:
    """The minimal GRU: h_t = (1 - z_t) h_{t-1} + z_t n_t, whose gate does not see the state.

    Args:
        u: linear maps of the input, the sums of the gate z and the candidates n side by side, n = 2 h.
        state: h_0.

    Returns:
        h_1 to h_t, each a weighted mean of the state before it and a candidate.

    Source: Feng et al. 2024, section 3.1.
    """
    # 1. The gate, and the candidate as it is: a tanh would not make the state any more bounded.
    gate, candidate = u.chunk(2, 2)
    z = sigmoid(gate)
    # 2. A linear recurrence. sigmoid(-x) = 1 - sigmoid(x) keeps its digits where the gate is open.
    return linear_recurrence(sigmoid(-gate), z * candidate, state)


@op
def min_lstm(u: Float[Tensor, "b t n"], state: Float[Tensor, "b h"]) -> Float[Tensor, "b t h"]:
    """The minimal LSTM: h_t = f_t h_{t-1} + i_t n_t, with both gates divided by their sum.

    Args:
        u: linear maps of the input, the sums of the gates f and i and the candidates n side by side, n = 3 h.
        state: h_0.

    Source: Feng et al. 2024, section 3.2.
    """
    # 1. The share f / (f + i) is a sigmoid of log f - log i, and log sigmoid(x) = -softplus(-x). The quotient
    #    itself would be 0 / 0 where both gates are closed.
    f, i, candidate = u.chunk(3, 2)
    difference = softplus(-i) - softplus(-f)
    # 2. A linear recurrence; the other share is 1 minus this one.
    return linear_recurrence(sigmoid(difference), sigmoid(-difference) * candidate, state)
