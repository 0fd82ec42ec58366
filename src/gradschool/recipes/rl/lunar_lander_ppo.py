"""PPO on LunarLander, through Gymnasium."""

from gradschool.runs.rl.on_policy import PPORun


def lunar_lander_ppo() -> PPORun:
    """Proximal policy optimisation lands on the moon (goal: return 200 in 5 min; needs the rl part)."""
    return PPORun(
        data="LunarLander-v3",
        timesteps=1_000_000,
        worlds=16,
        batch_size=4096,
        passes=4,
        minibatches=8,
        gamma=0.999,
        lam=0.98,
        reward_scale=0.05,
        entropy_weight=0.01,
        evaluations=10,
    )
