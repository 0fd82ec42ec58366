"""What returns and advantages refuse: shapes that would broadcast, and masks that are no masks."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import alike, axes, floating


def rollout(reward: Tensor, *others: Tensor) -> None:
    """One number or mark for each step of each world."""
    floating(reward=reward)
    axes("reward", reward, "(steps, worlds)", 1)
    alike(reward, *others)
    if len(reward) < 1:
        raise ValueError("reward has no step, one or more were wanted")


def marks(**masks: Tensor) -> None:
    """Masks are bool: a mask of numbers 0 and 1 would be inverted wrongly."""
    for name, mask in masks.items():
        if mask.dtype != torch.bool:
            raise ValueError(f"{name} is of type {mask.dtype}, torch.bool was wanted")


def td_target(
    reward: Tensor,
    next_value: Tensor,
    final_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    gamma: float,
) -> None:
    """Rewards, two values and two masks of one shape."""
    rollout(reward, next_value, final_value, terminated, truncated)
    marks(terminated=terminated, truncated=truncated)


def returns_to_go(reward: Tensor, ended: Tensor, gamma: float) -> None:
    """Rewards and a mask of one shape."""
    rollout(reward, ended)
    marks(ended=ended)


def n_step_returns(
    reward: Tensor, next_value: Tensor, terminated: Tensor, ended: Tensor, gamma: float, n: int
) -> None:
    """Rewards, values and two masks of one shape; one step or more."""
    rollout(reward, next_value, terminated, ended)
    marks(terminated=terminated, ended=ended)
    if n < 1:
        raise ValueError(f"n is {n}, 1 or more was wanted")


def lambda_returns(
    reward: Tensor, next_value: Tensor, terminated: Tensor, ended: Tensor, gamma: float, lam: float
) -> None:
    """Rewards, values and two masks of one shape."""
    rollout(reward, next_value, terminated, ended)
    marks(terminated=terminated, ended=ended)


def gae(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    ended: Tensor,
    gamma: float,
    lam: float,
) -> None:
    """Rewards, two values and two masks of one shape."""
    rollout(reward, value, next_value, terminated, ended)
    marks(terminated=terminated, ended=ended)
