"""Parity with a network whose gates do not see the state."""

from gradschool.models.language.string_reader import mingru_reader
from gradschool.runs.language.formal import FormalRun


def parity_mingru() -> FormalRun:
    """MinGRU with 32 units on parity, 16 bits, tested on 64."""
    return FormalRun(
        language="parity",
        model=mingru_reader,
        model_options={"hidden": 32},
        steps=1500,
        batch_size=32,
        learning_rate=0.02,
    )
