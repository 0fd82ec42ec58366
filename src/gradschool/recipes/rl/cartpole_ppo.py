"""PPO on CartPole, in 64 worlds side by side."""

from gradschool.runs.rl.on_policy import PPORun


def cartpole_ppo() -> PPORun:
    """Proximal policy optimisation balances a pole (goal: 475 in 5 s); --data takes other environments."""
    return PPORun(
        data="cartpole",
        timesteps=150_000,
        worlds=64,
        batch_size=2048,
        learning_rate=3e-3,
        gamma=0.98,
        lam=0.9,
    )
