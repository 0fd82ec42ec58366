"""A recurrent network on given names: the context may be as long as a name."""

from gradschool.models.language.context_lstm import context_lstm
from gradschool.runs.language.run import CharacterRun


def names_lstm() -> CharacterRun:
    """Character-level LSTM on given names (about 1 min, 2.42 nats per character; best n-gram model: 2.53)."""
    return CharacterRun(
        data="names", model=context_lstm, context=12, epochs=15, batch_size=128, learning_rate=5e-3,
        weight_decay=0.1, precision="fp32", threads=1,
    )  # fmt: skip
