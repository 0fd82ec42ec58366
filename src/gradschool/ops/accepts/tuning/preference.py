"""What the losses of preferences refuse; see gradschool.ops.tuning.preference.

Records of tensors are looked at in every call: a look is quicker than a description of all their numbers.
"""

from typing import Any

from torch import Tensor

from gradschool.ops.accepts.common import alike, axes, floating, looks_at_numbers, shaped


def bradley_terry_loss(chosen: Tensor, rejected: Tensor, margin: float = 0.0) -> None:
    """As many chosen as rejected answers."""
    floating(chosen=chosen, rejected=rejected)
    alike(chosen, rejected)


@looks_at_numbers
def dpo_loss(policy: Any, reference: Any, beta: float = 0.1, smoothing: float = 0.0) -> None:
    """Four log-probabilities a question, and a weight above 0."""
    alike(policy.chosen, policy.rejected, reference.chosen, reference.rejected)
    if not beta > 0:
        raise ValueError(f"beta is {beta}, a number > 0 was wanted")
    if not 0 <= smoothing < 0.5:
        raise ValueError(f"smoothing is {smoothing}, a number from 0 to below 0.5 was wanted")


def group_advantages(rewards: Tensor, scaled: bool = True, eps: float = 1e-4) -> None:
    """Groups of two answers or more."""
    floating(rewards=rewards)
    axes("rewards", rewards, "(questions, answers to each)", 2, 2)
    if rewards.shape[1] < 2:
        raise ValueError(f"rewards have shape {tuple(rewards.shape)}, two answers or more each were wanted")


@looks_at_numbers
def grpo_loss(
    log_p: Tensor, rollout: Any, clip: float = 0.2, beta: float = 0.04, by_answer: bool = True
) -> None:
    """What was drawn must fit the log-probabilities."""
    floating(log_p=log_p)
    for name in ("log_p", "counts", "reference"):
        shaped(f"the rollout's {name}", getattr(rollout, name), log_p.shape)
    shaped("the rollout's advantage", rollout.advantage, log_p.shape[:1])
    if not 0 <= clip <= 1:
        raise ValueError(f"clip is {clip}, a number from 0 to 1 was wanted")
