"""Learning from preferences: a reward model from pairs, DPO without one, and GRPO from rewards of a group.

Sources: Bradley and Terry 1952; Ouyang et al. 2022, eq. 1 (reward model); Rafailov et al. 2023 (DPO); Shao et
al. 2024, section 4.1 (GRPO); Liu et al. 2025 (what its two divisions do).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.activation import softplus
from gradschool.ops.switch import op

Each = Float[Tensor, " b"]
Steps = Float[Tensor, "b t"]


@op
def bradley_terry_loss(chosen: Each, rejected: Each, margin: float = 0.0) -> Float[Tensor, ""]:
    """-log of the probability that the chosen answer wins, s(r - r') with s the sigmoid; the mean over pairs.

    Only differences of rewards matter.

    Args:
        chosen: r, reward of the answer that was preferred.
        rejected: r', reward of the other one.
        margin: how much better the preferred one has to be, >= 0 (Touvron et al. 2023, eq. 2).

    Source: Ouyang et al. 2022, eq. 1.
    """
    return softplus(margin - (chosen - rejected)).mean()


@dataclass(frozen=True)
class Pair:
    """Log-probabilities of the chosen and the rejected answer of b questions, in nats; sums over tokens."""

    chosen: Each
    rejected: Each


@op
def dpo_loss(policy: Pair, reference: Pair, beta: float = 0.1, smoothing: float = 0.0) -> Float[Tensor, ""]:
    """Direct preference optimisation: a reward model's loss with the reward beta log(p / p_ref).

    Args:
        policy: of the model that learns.
        reference: of the model that it started from, constants.
        beta: how far the model may go from the reference, > 0; the smaller, the farther.
        smoothing: share of labels that are wrong, 0 to below 0.5 (Mitchell 2023, conservative DPO).

    Source: Rafailov et al. 2023, eq. 7.
    """
    # 1. How much more probable each answer has become, and by how much the chosen one leads.
    lead = beta * ((policy.chosen - reference.chosen) - (policy.rejected - reference.rejected))
    # 2. -log s(x) = softplus(-x); with a share of labels turned round.
    return ((1 - smoothing) * softplus(-lead) + smoothing * softplus(lead)).mean()


@op
def group_advantages(
    rewards: Float[Tensor, "q g"], scaled: bool = True, eps: float = 1e-4
) -> Float[Tensor, "q g"]:
    """How much better an answer is than the other answers to the same question.

    Args:
        rewards: of g >= 2 answers to each of q questions.
        scaled: whether to divide by the standard deviation (with g - 1) of the group. It makes questions that
            are nearly always or never solved count more (Liu et al. 2025, section 3.1).
        eps: added to the deviation. Where all rewards are equal, nothing is learnt.

    Source: Shao et al. 2024, section 4.1.2.
    """
    centred = rewards - rewards.mean(1, keepdim=True)
    return centred / (rewards.std(1, keepdim=True) + eps) if scaled else centred


@dataclass(frozen=True)
class Rollout:
    """Answers of b rows that were drawn, and what is known of them.

    Args:
        log_p: log-probability of each token when it was drawn, (b, t).
        advantage: of each answer, (b,).
        counts: True for tokens of the answer, (b, t).
        reference: log-probability of each token under the model at the start, (b, t); None: no KL term.
    """

    log_p: Steps
    advantage: Each
    counts: Bool[Tensor, "b t"]
    reference: Steps | None = None


@op
def kl_estimate(log_p: Steps, reference: Steps) -> Steps:
    """KL(p, reference) from one drawn token each: r - 1 - log r with r = reference / p; never negative.

    Its mean over draws from p is the KL divergence, and it varies less than -log r. Source: Schulman 2020,
    estimator k3.
    """
    log_ratio = reference - log_p
    return torch.expm1(log_ratio) - log_ratio


@op
def grpo_loss(
    log_p: Steps, rollout: Rollout, clip: float = 0.2, beta: float = 0.04, by_answer: bool = True
) -> Float[Tensor, ""]:
    """Group relative policy optimisation: PPO's clipped objective with the group as its baseline.

    Args:
        log_p: log-probability of each token under the model that learns.
        rollout: the answers.
        clip: a ratio of probabilities outside 1 - clip to 1 + clip gives no further gain, 0 to 1.
        beta: weight of the KL divergence from the reference, >= 0.
        by_answer: whether to take the mean over tokens of each answer first, as in the paper, which makes the
            tokens of long answers count less; else all tokens of the batch count alike. An answer without a
            token counts as 0, and what stands at positions that do not count does not matter.

    Source: Shao et al. 2024, eq. 3.
    """
    # 1. How much more probable each token is now, and what that gains.
    ratio, advantage = torch.exp(log_p - rollout.log_p), rollout.advantage[:, None]
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    # 2. Minus what it costs to leave the reference.
    if rollout.reference is not None:
        gain = gain - beta * kl_estimate(log_p, rollout.reference)
    # 3. The mean over tokens that count.
    gain, counts = torch.where(rollout.counts, gain, 0), rollout.counts.to(gain.dtype)
    if by_answer:
        return -(gain.sum(1) / counts.sum(1).clamp(min=1)).mean()
    return -gain.sum() / counts.sum().clamp(min=1)
