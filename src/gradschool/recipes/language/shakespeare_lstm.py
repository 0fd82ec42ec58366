"""A character model of Shakespeare in a minute."""

from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.language.model import LanguageRun


def shakespeare_lstm() -> LanguageRun:
    """LSTM on the characters of tiny Shakespeare (1 min; score not measured yet)."""
    return LanguageRun(
        data="tinyshakespeare", model=recurrent_lm, model_options={"hidden": 192}, context=64, batch_size=16,
        epochs=100, minutes=1, learning_rate=4e-3, warmup=0.05, clip=1.0, val=0, test=55_690,
        precision="fp32",
    )  # fmt: skip
