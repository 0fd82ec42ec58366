"""What policy gradients refuse: (n, 1) against (n,) would compare everything with everything."""

from torch import Tensor

from gradschool.ops.accepts.common import alike, floating


def reinforce_loss(log_p: Tensor, returns: Tensor, baseline: Tensor) -> None:
    """One number of each kind for each action."""
    floating(log_p=log_p, returns=returns, baseline=baseline)
    alike(log_p, returns, baseline)


def ppo_loss(log_p: Tensor, old_log_p: Tensor, advantage: Tensor, clip: float = 0.2) -> None:
    """One number of each kind for each action; a clip above 0."""
    floating(log_p=log_p, old_log_p=old_log_p, advantage=advantage)
    alike(log_p, old_log_p, advantage)
    if not clip > 0:
        raise ValueError(f"clip is {clip}, a number > 0 was wanted")
