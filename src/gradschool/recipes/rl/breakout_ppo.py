"""PPO on a small Breakout, through convolutions."""

from gradschool.runs.rl.on_policy import PPORun


def breakout_ppo() -> PPORun:
    """Proximal policy optimisation learns a small Breakout (goal: 10 bricks); --data takes other games."""
    return PPORun(
        data="breakout",
        timesteps=2_000_000,
        worlds=64,
        batch_size=4096,
        hidden=(128,),
        learning_rate=1e-3,
        minibatches=8,
        entropy_weight=0.01,
        evaluations=10,
    )
