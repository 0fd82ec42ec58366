"""PQN on CartPole, in 64 worlds side by side."""

from gradschool.runs.rl.pqn import PQNRun


def cartpole_pqn() -> PQNRun:
    """Parallel Q-learning balances a pole (goal: 475 in 5 s); --data takes other environments."""
    return PQNRun(data="cartpole", timesteps=150_000, reward_scale=0.1)
