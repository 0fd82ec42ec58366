"""What the linear recurrences refuse; see gradschool.ops.sequence.scan."""

from torch import Tensor

from gradschool.ops.accepts.common import alike, axes, floating, shaped


def linear_recurrence(a: Tensor, b: Tensor, state: Tensor) -> None:
    """One a and one b a step, and a first state of a step's shape."""
    floating(a=a, b=b, state=state)
    axes("a", a, "(batch, steps, ...)", 2)
    alike(a, b)
    if a.shape[1] < 1:
        raise ValueError(f"a has shape {tuple(a.shape)}, one step or more was wanted")
    shaped("the state", state, (len(a), *a.shape[2:]))


def chunked_recurrence(a: Tensor, b: Tensor, state: Tensor, chunk: int = 32) -> None:
    """A chunk of one step or more, besides."""
    linear_recurrence(a, b, state)
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}, one step or more was wanted")
