"""A word model of Shakespeare: half of all different words occur only once, so the text is short for it."""

from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.language.model import LanguageRun


def shakespeare_words() -> LanguageRun:
    """LSTM on the words of tiny Shakespeare, 4,000 different ones (1 min; score not measured yet)."""
    return LanguageRun(
        data="tinyshakespeare", model=recurrent_lm, tokeniser="words", vocabulary=4_000,
        model_options={"embedding": 128, "hidden": 128, "dropout": 0.3, "tied": True}, context=32,
        batch_size=32, epochs=100, minutes=1, learning_rate=4e-3, warmup=0.05, clip=1.0, weight_decay=0.01,
        val=0, test=55_690, precision="fp32",
    )  # fmt: skip
