"""Returns and advantages of rollouts that hold several episodes, some of them unfinished.

Time is axis 0; the other axes are worlds side by side. Two masks say where episodes stop: `terminated`
(nothing comes after it, so the value of the next state is 0) and `ended` (terminated, or cut off by a time
limit: what comes after it in the rollout belongs to another episode). Where an episode is cut off, and after
the last step of the rollout, the sum goes on with `next_value`: of the observation at the end of that very
step, before a reset.
Sources: Sutton and Barto 2018, sections 7.1 and 12.1; Schulman et al. 2016 (GAE); Pardo et al. 2018 (time
limits).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.switch import op

Steps = Float[Tensor, "t *n"]
Mask = Bool[Tensor, "t *n"]


@op
def td_target(
    reward: Steps, next_value: Steps, final_value: Steps, terminated: Mask, truncated: Mask, gamma: float
) -> Steps:
    """One-step targets of worlds that reset themselves: r + gamma v(s').

    A time limit is no property of a state: a state is worth as much when the time is up as before.

    Args:
        reward: r.
        next_value: value of the observation that is seen next; where an episode is over, it is the first of
            the next episode.
        final_value: value of the observation at the end of the step, before any reset; equal to
            `next_value` where no episode is over.
        terminated: s' is terminal, whether or not the time was up as well.
        truncated: the episode was cut off by a time limit.
        gamma: 0 to 1.

    Source: Pardo et al. 2018, eq. 6.
    """
    # 1. Where the episode was cut off, s' is the final observation, not the next episode's first.
    value = torch.where(truncated, final_value, next_value)
    # 2. A terminal state is worth 0.
    return reward + gamma * value.masked_fill(terminated, 0.0)


@op
def returns_to_go(reward: Steps, ended: Mask, gamma: float) -> Steps:
    """The discounted sum of rewards from each step to the end of its episode, or of the rollout.

    Args:
        reward: r.
        ended: the step was the last of its episode.
        gamma: 0 to 1.

    Source: Sutton and Barto 2018, eq. 3.8.
    """
    # 1. From the last step to the first.
    returns, later = torch.empty_like(reward), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        # 2. This reward, and what comes later in the same episode.
        later = reward[t] + gamma * later.masked_fill(ended[t], 0.0)
        returns[t] = later
    return returns


@op
def n_step_returns(
    reward: Steps, next_value: Steps, terminated: Mask, ended: Mask, gamma: float, n: int
) -> Steps:
    """Rewards of n steps, then the value of what follows; fewer where the episode or the rollout stops.

    Args:
        reward: r.
        next_value: v(s') of each step, s' before any reset.
        terminated: s' is terminal.
        ended: the step was the last of its episode.
        gamma: 0 to 1.
        n: how many rewards, 1 or more.

    Source: Sutton and Barto 2018, eq. 7.1.
    """
    # 1. One step: a reward and a value.
    value = next_value.masked_fill(terminated, 0.0)
    returns = one_step = reward + gamma * value
    # 2. Each round puts one more reward before the return of the next step, if that is of the same episode.
    last = torch.ones_like(ended[:1])
    stops = torch.cat([ended[:-1], last])
    for _ in range(n - 1):
        longer = reward + gamma * returns.roll(-1, 0)
        returns = torch.where(stops, one_step, longer)
    return returns


@op
def lambda_returns(
    reward: Steps, next_value: Steps, terminated: Mask, ended: Mask, gamma: float, lam: float
) -> Steps:
    """A mean of all n-step returns, where one step more counts lambda times as much.

    Args:
        reward: r.
        next_value: v(s') of each step, s' before any reset.
        terminated: s' is terminal.
        ended: the step was the last of its episode.
        gamma: 0 to 1.
        lam: lambda, 0 (one step) to 1 (all rewards).

    Source: Sutton and Barto 2018, eqs. 12.2 and 12.3, as a recursion.
    """
    # 1. Beyond the last step there is only the value.
    value = next_value.masked_fill(terminated, 0.0)
    returns, later = torch.empty_like(reward), value[-1]
    for t in reversed(range(len(reward))):
        # 2. The value of the next state, or what was found for it: a mean of both.
        mixed = torch.lerp(value[t], later, lam)
        later = reward[t] + gamma * torch.where(ended[t], value[t], mixed)
        returns[t] = later
    return returns


@op
def gae(
    reward: Steps,
    value: Steps,
    next_value: Steps,
    terminated: Mask,
    ended: Mask,
    gamma: float,
    lam: float,
) -> Steps:
    """Generalised advantage estimation: how much better each action was than its state promised.

    Args:
        reward: r.
        value: v(s).
        next_value: v(s') of each step, s' before any reset.
        terminated: s' is terminal: its value counts as 0.
        ended: the step was the last of its episode: no later TD error counts.
        gamma: discount, 0 to 1.
        lam: lambda, 0 (one TD error: biased, little noise) to 1 (all rewards: unbiased, noisy).

    Returns:
        Advantages: the sum of the TD errors from each step on, those k steps later times (gamma lambda)^k.
        Together with `value` they are the lambda returns.

    Source: Schulman et al. 2016, eq. 16.
    """
    # 1. TD errors: what the step gave and what comes then, minus what was expected.
    delta = reward + gamma * next_value.masked_fill(terminated, 0.0) - value
    # 2. From the last step to the first.
    advantages, later = torch.empty_like(delta), torch.zeros_like(delta[0])
    for t in reversed(range(len(delta))):
        # 3. Later errors count, unless they belong to another episode.
        later = delta[t] + gamma * lam * later.masked_fill(ended[t], 0.0)
        advantages[t] = later
    return advantages
