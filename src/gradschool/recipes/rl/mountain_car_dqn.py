"""Double DQN on MountainCar."""

from gradschool.runs.rl.dqn import DQNRun


def mountain_car_dqn() -> DQNRun:
    """Deep Q-learning drives a weak car up a hill (goal: -110 in 60 s); --data takes other environments."""
    return DQNRun(
        data="mountain_car",
        timesteps=60_000,
        normalise=True,
        steps_ahead=8,
        minibatch=128,
        updates=32,
        follow_every=64,
        learning_rate=2e-3,
        memory=20_000,
        # Values begin above what is true, so what was never tried looks better: few actions need be random.
        exploration=0.05,
        epsilon_end=0.07,
        evaluations=12,
        keep="best",
    )
