"""REINFORCE with a baseline on CartPole."""

from gradschool.runs.rl.on_policy import PolicyGradientRun


def cartpole_reinforce() -> PolicyGradientRun:
    """REINFORCE with a baseline balances a pole (goal: return 475); --data takes other environments."""
    return PolicyGradientRun(
        data="cartpole",
        whole_episodes=True,
        timesteps=400_000,
        worlds=16,
        batch_size=8_000,
        learning_rate=1e-2,
    )
