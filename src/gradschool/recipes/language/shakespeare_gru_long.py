"""The character model of Shakespeare with five minutes."""

from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.language.model import LanguageRun


def shakespeare_gru_long() -> LanguageRun:
    """Larger GRU on the characters of tiny Shakespeare (5 min)."""
    return LanguageRun(
        data="tinyshakespeare", model=recurrent_lm, model_options={"core": "gru", "hidden": 384},
        context=128, batch_size=32, epochs=100, minutes=5, learning_rate=3e-3, warmup=0.05, clip=1.0, val=0,
        test=55_690, precision="fp32",
    )  # fmt: skip
