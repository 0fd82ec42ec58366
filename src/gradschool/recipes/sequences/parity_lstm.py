"""Parity, where one bit of state is all that is needed."""

from gradschool.models.language.string_reader import lstm_reader
from gradschool.runs.language.formal import FormalRun


def parity_lstm() -> FormalRun:
    """LSTM with eight cells on parity, 16 bits, tested on 64."""
    return FormalRun(
        language="parity",
        model=lstm_reader,
        model_options={"hidden": 8},
        steps=1500,
        batch_size=32,
        learning_rate=0.02,
    )
