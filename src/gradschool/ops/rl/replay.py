"""Learning from stored transitions: which are drawn, how they are weighted, and what they are moved towards.

Sources: Mnih et al. 2015 (DQN); van Hasselt et al. 2016 (double DQN); Schaul et al. 2016 (prioritised
replay); Wang et al. 2016 (dueling networks); Lillicrap et al. 2016 (soft updates of the target network).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.switch import op

Each = Float[Tensor, "*b"]
Actions = Float[Tensor, "*b a"]


@op
def exploration_rate(step: int, first: float, last: float, steps: int) -> float:
    """The probability of a random action: it falls in a straight line and then stays.

    Args:
        step: how many steps have been taken, 0 or more.
        first: at step 0, 0 to 1.
        last: at step `steps` and ever after, 0 to 1.
        steps: how long it changes, 1 or more.

    Source: Mnih et al. 2015, methods.
    """
    # 1. How much of the change is done.
    done = min(step / steps, 1.0)
    # 2. That far from the first to the last.
    return first + done * (last - first)


@op
def sampled_by_priority(priority: Float[Tensor, " m"], u: Float[Tensor, " n"]) -> Int64[Tensor, " n"]:
    """Which of m stored transitions are drawn: each with a probability in proportion to its priority.

    The priorities are laid end to end on a line, which is cut into n equal pieces; from each piece one point
    is drawn (stratified sampling), and the transition that lies there is taken.

    Args:
        priority: of each transition, >= 0; one of priority 0 is never drawn.
        u: a uniform number for each draw, 0 to below 1.

    Returns:
        n numbers of transitions, from 0 to m - 1, in rising order.

    Source: Schaul et al. 2016, section 3.3 and appendix B.2.1.
    """
    # 1. Where each transition stops on the line; float64, as float32 loses the small ones of a large memory.
    stops = priority.double().cumsum(0)
    # 2. One point in each of n equal pieces.
    pieces = torch.arange(len(u), dtype=torch.float64, device=u.device)
    points = (pieces + u) / len(u) * stops[-1]
    # 3. The first transition that stops behind the point. Rounding must not lead behind the last one.
    return torch.searchsorted(stops, points, right=True).clamp(max=int(priority.nonzero().max()))


@op
def prioritised_weights(probability: Float[Tensor, " b"], beta: float) -> Float[Tensor, " b"]:
    """Importance weights that undo the bias of drawing some transitions more often than others.

    Args:
        probability: with which each transition of the batch was drawn, above 0.
        beta: 0 (no correction) to 1 (full correction).

    Returns:
        probability^-beta, divided by the largest of the batch: weights are at most 1, so they only scale
        updates down. The size of the memory, a factor in the paper, cancels.

    Source: Schaul et al. 2016, section 3.4.
    """
    # 1. What is drawn more often counts less each time.
    weights = probability**-beta
    # 2. The largest weight is 1.
    return weights / weights.max()


@op
def polyak_update(target: Sequence[Tensor], online: Sequence[Tensor], tau: float) -> None:
    """Move a target network a little towards the network that learns, in place.

    Args:
        target: tensors of the target network, which change.
        online: tensors of the network that learns, in the same order; they do not change.
        tau: 0 (stay) to 1 (copy).

    Source: Lillicrap et al. 2016, section 3.
    """
    # 1. No gradient flows through a target.
    with torch.no_grad():
        # 2. A weighted mean of both, written into the target's own memory.
        for old, new in zip(target, online, strict=True):
            old.lerp_(new, tau)


@op
def double_q_target(
    reward: Each, next_q: Actions, next_q_of_target: Actions, terminated: Bool[Tensor, "*b"], gamma: float
) -> Each:
    """The target of double DQN: the network that learns chooses the action, the target network values it.

    Args:
        reward: r.
        next_q: q(s', .) of the network that learns.
        next_q_of_target: q(s', .) of the target network.
        terminated: s' is terminal. An episode that a time limit cuts off has not terminated.
        gamma: 0 to 1.

    Source: van Hasselt et al. 2016, eq. 4.
    """
    # 1. The best action, as one network sees it; the first one where several are equal.
    best = next_q.argmax(-1, keepdim=True)
    # 2. What the other network says of it: noise that made it look best is not in that estimate.
    value = next_q_of_target.gather(-1, best).squeeze(-1)
    # 3. A terminal state is worth 0.
    return reward + gamma * value.masked_fill(terminated, 0.0)


@op
def dueling(value: Float[Tensor, "*b 1"], advantage: Actions) -> Actions:
    """Action values from the value of the state and the advantages of its actions.

    Args:
        value: v(s).
        advantage: a(s, .), free up to a constant; their mean is taken off, so that q has the mean v.

    Source: Wang et al. 2016, eq. 9.
    """
    # 1. A constant could be moved from the advantages to the value; without their mean it cannot.
    centred = advantage - advantage.mean(-1, keepdim=True)
    # 2. Both together.
    return value + centred
