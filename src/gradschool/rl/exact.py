"""The exact solution of a grid world: its rules are known here, so nothing has to be tried out.

Source: Sutton and Barto 2018, sections 4.1 and 4.4. Deviation: all states are updated at once, in float64.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.control import q_target
from gradschool.rl.gridworld import Gridworld

TOLERANCE = 1e-12  # relative: float64 carries 16 digits
SWEEPS = 100_000


def value_iteration(world: Gridworld, gamma: float) -> Float[Tensor, "s 4"]:
    """The action values q* of the best policy.

    Args:
        world: which; from every state that an episode visits a goal can be reached.
        gamma: discount, 0 to 1. With 1 the sums are finite because every move costs something.

    Raises:
        UserError: the values do not settle, because nearly every episode slips off the cliff.
    """
    reward = world.reward.double()
    q = torch.zeros_like(reward)
    for _ in range(SWEEPS):
        # 1. Where the rules are known, the target is an expectation instead of a sample (eq. 4.2).
        better = world.expected(q_target(reward, q[world.land], world.ends, gamma))
        # 2. Until nothing moves any more.
        if (better - q).abs().max() <= TOLERANCE * better.abs().max():
            return better
        q = better
    what = f"value iteration has not settled after {SWEEPS:,} sweeps"
    advice = "Make slip or gamma smaller, or the path along the cliff shorter."
    raise UserError(what, "a goal that can be reached without hundreds of falls", advice)


def policy_value(world: Gridworld, policy: Float[Tensor, "s 4"], gamma: float, limit: int) -> float:
    """The expected return of a policy from the start within a time limit: exact, nothing is sampled.

    Args:
        world: which.
        policy: probability of each action in each state.
        gamma: discount, 0 to 1.
        limit: steps after which an episode is cut off.
    """
    reward, policy = world.reward.double(), policy.double()
    value = torch.zeros(len(reward), dtype=torch.float64, device=reward.device)
    for _ in range(limit):
        # One step more to go: its reward, and the value of the steps that were left before.
        later = value[world.land].masked_fill(world.ends, 0.0)
        value = (policy * world.expected(reward + gamma * later)).sum(-1)
    return value[world.start].item()
