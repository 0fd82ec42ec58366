"""A small GPT on the characters of Shakespeare in a minute and a half."""

from dataclasses import replace

from gradschool.recipes.language.shakespeare_gpt import shakespeare_gpt
from gradschool.runs.language.model import LanguageRun


def shakespeare_gpt_short() -> LanguageRun:
    """Smaller GPT on the characters of tiny Shakespeare (1.5 min; 1.48 nats)."""
    return replace(
        shakespeare_gpt(), model_options={"width": 128, "feed": "relu2", "grams": 3}, context=64, minutes=1.5,
        weight_decay=0.1, ema=0.95,
    )  # fmt: skip
