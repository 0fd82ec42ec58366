"""Products of permutations: a state of 120 values."""

from gradschool.models.language.string_reader import lstm_reader
from gradschool.runs.language.formal import FormalRun


def s5_lstm() -> FormalRun:
    """LSTM with 128 cells on products in S5, 16 factors, tested on 64 (score not measured yet)."""
    return FormalRun(
        language="s5",
        model=lstm_reader,
        model_options={"hidden": 128},
        steps=1500,
        batch_size=64,
        learning_rate=0.005,
    )
