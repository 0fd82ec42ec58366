"""Advantage actor-critic on CartPole."""

from gradschool.runs.rl.on_policy import PolicyGradientRun


def cartpole_a2c() -> PolicyGradientRun:
    """Advantage actor-critic balances a pole (goal: return 475); --data takes other environments."""
    return PolicyGradientRun(
        data="cartpole",
        timesteps=300_000,
        batch_size=512,
        gamma=0.98,
        lam=0.95,
        learning_rate=4e-3,
        schedule="linear",
        evaluations=20,
        keep="best",
    )
