"""Policy gradients: losses whose gradient raises the probability of actions that did better than expected.

Sources: Williams 1992 (REINFORCE); Schulman et al. 2017 (PPO); Haarnoja et al. 2018 (SAC). Symbols: log_p is
log pi(a | s) in nats, A the advantage.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import log_softmax, softplus
from gradschool.ops.switch import op

Each = Float[Tensor, "*b"]
Vector = Float[Tensor, "*b d"]
Spread = Float[Tensor, "*#b d"]


@op
def reinforce_loss(log_p: Each, returns: Each, baseline: Each) -> Float[Tensor, ""]:
    """REINFORCE with a baseline: the mean of -log_p (G - b).

    The gradient in the policy stays the same on average, whatever the baseline is, as long as it does not
    depend on the action; a good one takes off most of the noise.

    Args:
        log_p: of the actions that were taken.
        returns: G, what came after each.
        baseline: b(s), such as the value of the state. No gradient flows into it: it has a loss of its own.

    Source: Williams 1992; Sutton and Barto 2018, eq. 13.11.
    """
    # 1. How much better it went than expected; a constant for the policy.
    advantage = (returns - baseline).detach()
    # 2. What went better becomes more probable.
    return -(log_p * advantage).mean()


@op
def ppo_loss(log_p: Each, old_log_p: Each, advantage: Each, clip: float = 0.2) -> Float[Tensor, ""]:
    """PPO's clipped objective, as a loss: once a probability has changed enough, nothing more is gained.

    Args:
        log_p: of the actions that were taken, under the policy that learns.
        old_log_p: the same under the policy that took them.
        advantage: A, constants.
        clip: how far the ratio of probabilities may go from 1, above 0.

    Source: Schulman et al. 2017, eq. 7.
    """
    # 1. How much more probable each action has become.
    ratio = torch.exp(log_p - old_log_p)
    # 2. The smaller of two gains: what is lost counts in full, what is gained only up to the clip.
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -gain.mean()


@op
def policy_entropy(logits: Float[Tensor, "*b a"]) -> Each:
    """The entropy of a policy over a actions in nats: log a if all are equally probable, 0 if one is certain.

    Args:
        logits: of each action, unnormalised; -inf for an action that is not allowed, though not for all: it
            counts 0, and no gradient flows into it.

    Source: Shannon 1948.
    """
    # 1. Probabilities and their logarithms, without overflow.
    log_p = log_softmax(logits, -1)
    # 2. -sum p log p; an impossible action counts 0, not 0 times infinity.
    return -(log_p.exp() * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(-1)


@op
def gaussian_log_prob(x: Vector, mean: Spread, log_std: Spread) -> Each:
    """The log-density of d independent Gaussians, summed over them.

    Args:
        x: where.
        mean: of each.
        log_std: logarithm of each standard deviation; it may broadcast over the axes of x.

    Source: Bishop 2006, eq. 1.46.
    """
    # 1. Distance from the mean in standard deviations.
    z = (x - mean) * torch.exp(-log_std)
    # 2. The density's logarithm, number by number.
    return (-0.5 * z.square() - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)


@op
def squashed_gaussian_log_prob(u: Vector, mean: Spread, log_std: Spread) -> Each:
    """The log-density of an action a = tanh(u), where u is Gaussian.

    tanh squeezes the line into -1 to 1, so densities grow by 1 / (1 - tanh(u)^2) for each number.

    Args:
        u: before tanh; log(1 - tanh(u)^2) is computed without the difference, which is 0 for large u.
        mean: of u.
        log_std: logarithm of its standard deviations; it may broadcast over the axes of u.

    Source: Haarnoja et al. 2018, appendix C.
    """
    # 1. The density of u.
    of_u = gaussian_log_prob(u, mean, log_std)
    # 2. log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u)), summed over the numbers of one action.
    squeezed = 2 * (math.log(2) - u - softplus(-2 * u))
    return of_u - squeezed.sum(-1)
