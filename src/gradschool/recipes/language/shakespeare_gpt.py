"""A small GPT on the characters of Shakespeare: what eight minutes on a processor reach."""

from gradschool.models.language.gpt import gpt
from gradschool.runs.language.model import LanguageRun


def shakespeare_gpt() -> LanguageRun:
    """GPT on the characters of tiny Shakespeare (8 min; 1.35 nats a character)."""
    return LanguageRun(
        data="tinyshakespeare", model=gpt,
        model_options={"width": 192, "feed": "relu2", "grams": 3}, depth=4, context=128,
        batch_size=16, epochs=100, minutes=8, evaluations=200, optimizer="muon", momentum=0.95,
        learning_rate=0.01, weight_decay=0.5, schedule="linear", warmup=0.02, ema=0.99, keep="best",
        val=20_000, val_first=True, test=55_690,
    )  # fmt: skip
