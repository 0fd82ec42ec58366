"""PPO on Pong, an Atari game."""

from gradschool.runs.rl.on_policy import PPORun


def pong_ppo() -> PPORun:
    """Proximal policy optimisation learns Pong from its screen (goal: return 0; needs the rl part)."""
    return PPORun(
        data="ALE/Pong-v5",
        timesteps=2_000_000,
        worlds=8,
        batch_size=1024,
        hidden=(512,),
        learning_rate=2.5e-4,
        clip_ratio=0.1,
        entropy_weight=0.01,
        tested=10,
        evaluations=10,
    )
