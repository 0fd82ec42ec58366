"""Behaviour cloning on CartPole."""

from gradschool.runs.rl.offline import CloningRun


def cartpole_cloning() -> CloningRun:
    """Behaviour cloning imitates players of CartPole who make mistakes (goal: return 475)."""
    return CloningRun(data="cartpole", timesteps=100_000, learning_rate=3e-3, schedule="linear")
