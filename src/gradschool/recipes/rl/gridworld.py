"""The cliff walk of Sutton and Barto 2018, example 6.6."""

from gradschool.runs.rl.q_learning import QLearningRun


def gridworld() -> QLearningRun:
    """Tabular Q-learning on the cliff walk (10 s, the optimal return of -13); --data takes any grid."""
    return QLearningRun(
        data="cliff_walk",
        episodes=300,
        learning_rate=0.5,
        gamma=1.0,
        epsilon_start=0.2,
        epsilon_end=0.0,
    )
