"""Eligibility traces: one TD error moves the values of all states that were visited lately.

Source: Sutton and Barto 2018, section 12.2; Singh and Sutton 1996 (replacing traces).
"""

from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op

Values = Float[Tensor, " s"]


@op
def trace_update(
    value: Values,
    trace: Values,
    state: Int64[Tensor, ""],
    td_error: Float[Tensor, ""],
    rates: tuple[float, float],
    replacing: bool = False,
) -> tuple[Values, Values]:
    """One step of TD(lambda). For action values, number the pairs of states and actions and use those.

    Args:
        value: v(s) of all states.
        trace: e(s), how much each state is to learn from now on; zeros at the start of an episode.
        state: number of the state that was left.
        td_error: r + gamma v(s') - v(s), computed with `value`.
        rates: the learning rate alpha, and the decay gamma lambda of the trace; each 0 to 1.
        replacing: whether a visit sets the trace of its state to 1; else it adds 1 (accumulating).

    Returns:
        The new values and the new trace.

    Source: Sutton and Barto 2018, eqs. 12.5 and 12.7.
    """
    # 1. The past fades, and the state that was left is remembered in full.
    alpha, decay = rates
    trace = decay * trace
    trace[state] = 1 if replacing else trace[state] + 1
    # 2. Every state learns from the same error, in proportion to its trace.
    return value + alpha * td_error * trace, trace
