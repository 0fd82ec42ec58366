"""Returns and advantages without a loop over steps: each is x_t = b_t + a_t x_{t+1}, an associative scan.

Source: Blelloch 1990 (prefix sums); Hillis and Steele 1986 (by doubling). Log2(t) rounds of whole-tensor
products instead of t small ones; it multiplies and adds only, so a factor of 0, where an episode ends, does
no harm.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Steps = Float[Tensor, "t *n"]
Mask = Bool[Tensor, "t *n"]


def _scan_back(a: Steps, b: Steps) -> Steps:
    """x_t = b_t + a_t x_{t+1} for all t, with x = 0 after the last step."""
    step = 1
    while step < len(b):
        # Entry t covers `step` steps from t on; joined with the entry that begins where it stops, twice as
        # many.
        b = torch.cat([torch.addcmul(b[:-step], a[:-step], b[step:]), b[-step:]])
        a = torch.cat([a[:-step] * a[step:], a[-step:]])
        step *= 2
    return b


def returns_to_go(reward: Steps, ended: Mask, gamma: float) -> Steps:
    """As `ops.rl.returns.returns_to_go`."""
    return _scan_back((~ended).to(reward.dtype) * gamma, reward)


def lambda_returns(
    reward: Steps, next_value: Steps, terminated: Mask, ended: Mask, gamma: float, lam: float
) -> Steps:
    """As `ops.rl.returns.lambda_returns`."""
    going_on = (~ended).to(reward.dtype)
    going_on = torch.cat([going_on[:-1], torch.zeros_like(going_on[-1:])])
    value = next_value.masked_fill(terminated, 0.0) * (1 - lam * going_on)
    return _scan_back(gamma * lam * going_on, reward + gamma * value)


def gae(
    reward: Steps,
    value: Steps,
    next_value: Steps,
    terminated: Mask,
    ended: Mask,
    gamma: float,
    lam: float,
) -> Steps:
    """As `ops.rl.returns.gae`."""
    delta = reward + gamma * next_value.masked_fill(terminated, 0.0) - value
    return _scan_back((~ended).to(delta.dtype) * (gamma * lam), delta)
