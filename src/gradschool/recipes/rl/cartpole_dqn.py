"""DQN on CartPole."""

from gradschool.runs.rl.dqn import DQNRun


def cartpole_dqn() -> DQNRun:
    """Deep Q-learning balances a pole (goal: return 475); --data takes other environments."""
    return DQNRun(
        data="cartpole",
        timesteps=60_000,
        hidden=(128, 128),
        normalise=True,
        steps_ahead=3,
        minibatch=128,
        updates=16,
        follow_every=32,
        learning_rate=2e-3,
        exploration=0.16,
        epsilon_end=0.04,
        evaluations=20,
        keep="best",
    )
