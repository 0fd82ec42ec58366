"""A decision transformer on CartPole."""

from gradschool.runs.rl.offline import DecisionRun


def cartpole_decision() -> DecisionRun:
    """A decision transformer continues logged play of CartPole towards a wanted return (goal: 475)."""
    return DecisionRun(data="cartpole", timesteps=200_000, learning_rate=1e-3, schedule="linear")
