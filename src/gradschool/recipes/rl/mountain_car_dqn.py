"""Double DQN on MountainCar."""

from gradschool.runs.rl.dqn import DQNRun


def mountain_car_dqn() -> DQNRun:
    """Deep Q-learning drives a weak car up a hill (goal: -110 in 60 s); --data takes other environments."""
    return DQNRun(
        data="mountain_car",
        timesteps=100_000,
        standardise=True,
        steps_ahead=4,
        minibatch=256,
        updates=32,
        follow_every=64,
        gamma=0.98,
        learning_rate=2e-3,
        memory=20_000,
        exploration=0.3,
        epsilon_end=0.07,
    )
