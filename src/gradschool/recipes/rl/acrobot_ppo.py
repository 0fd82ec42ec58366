"""PPO on Acrobot."""

from gradschool.runs.rl.on_policy import PPORun


def acrobot_ppo() -> PPORun:
    """Proximal policy optimisation swings a double pendulum up (goal: return -100)."""
    return PPORun(
        data="acrobot",
        timesteps=300_000,
        batch_size=4096,
        learning_rate=2e-3,
        lam=0.94,
        reward_scale=0.1,
        entropy_weight=0.01,
    )
