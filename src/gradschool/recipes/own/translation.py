"""Pairs of texts of your own: a table with a column for each language, or files with a text on every line."""

from gradschool.models.language.transformer import transformer
from gradschool.runs.language.translate import TranslationRun


def translation(*, data: str = "") -> TranslationRun:
    """Your own pairs of texts: a table with two columns, or a folder with files such as train.de and train.en
    (--data PATH, --set source=de --set target=en).
    """
    return TranslationRun(
        data=data, model=transformer, model_options={"tied": True, "norm_first": True, "dropout": 0.2},
        epochs=60, minutes=15, optimizer="muon", learning_rate=3e-3, momentum=0.95, warmup=0.05, ema=0.998,
        keep="best", precision="fp32",
    )  # fmt: skip
