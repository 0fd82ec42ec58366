"""Soft actor-critic on the pendulum."""

from gradschool.runs.rl.sac import SACRun


def pendulum_sac() -> SACRun:
    """Soft actor-critic swings a pendulum up (goal: return -160 in 60 s); --data takes other environments."""
    return SACRun(
        data="pendulum",
        timesteps=10_000,
        hidden=(64, 64),
        minibatch=128,
        learning_rate=2e-3,
        gamma=0.97,
        follow=0.01,
        reward_scale=0.1,
    )
