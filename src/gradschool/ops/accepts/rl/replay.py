"""What replay and targets refuse: shapes that would broadcast, priorities that nothing can be drawn from."""

from collections.abc import Sequence

from torch import Tensor

from gradschool.ops.accepts.common import alike, axes, floating, looks_at_numbers, readable
from gradschool.ops.accepts.rl.returns import marks


@looks_at_numbers
def sampled_by_priority(priority: Tensor, u: Tensor) -> None:
    """Priorities that are no less than 0, and not all 0."""
    floating(priority=priority, u=u)
    axes("priority", priority, "(transitions,)", 1, 1)
    axes("u", u, "(draws,)", 1, 1)
    if readable(priority) and not (priority.amin() >= 0 and priority.amax() > 0):
        span = f"{priority.amin():g} to {priority.amax():g}"
        raise ValueError(f"priorities are {span}, 0 or more and one above 0 were wanted")


def double_q_target(
    reward: Tensor, next_q: Tensor, next_q_of_target: Tensor, terminated: Tensor, gamma: float
) -> None:
    """One reward and one mark for each row of values."""
    floating(reward=reward)
    alike(next_q, next_q_of_target)
    alike(next_q[..., 0], reward, terminated)
    marks(terminated=terminated)


def polyak_update(target: Sequence[Tensor], online: Sequence[Tensor], tau: float) -> None:
    """Tensors in pairs of one shape."""
    if len(target) != len(online):
        raise ValueError(f"{len(target)} and {len(online)} tensors, equally many were wanted")
    for old, new in zip(target, online, strict=True):
        alike(old, new)
    if not 0 <= tau <= 1:
        raise ValueError(f"tau is {tau}, a number from 0 to 1 was wanted")
