"""The embedded Reber grammar: what has to be remembered is far away."""

from gradschool.models.language.string_reader import lstm_reader
from gradschool.runs.language.formal import FormalRun


def embedded_reber_lstm() -> FormalRun:
    """LSTM with four cells on the embedded Reber grammar, cell states drawn."""
    return FormalRun(
        language="embedded_reber",
        model=lstm_reader,
        model_options={"hidden": 4},
        steps=6000,
        initial_scale=0.3,
    )
