"""A walk along a cliff, the example that tells Q-learning from Sarsa."""

from pathlib import Path

from gradschool.data.rl.gridset import GridSet

SET = GridSet(
    name="cliff_walk",
    title="Cliff walk, 4x12 cells",
    licence="Apache-2.0",
    source="Sutton and Barto 2018, Reinforcement learning, example 6.6",
    places=[str(Path(__file__).with_suffix(".txt"))],
)
