"""A GPT on any text, with its depth as the one dial."""

from gradschool.models.language.gpt import gpt as network
from gradschool.runs.language.model import LanguageRun


def gpt() -> LanguageRun:
    """GPT on a text of your own (--data FILE.txt), or on tiny Shakespeare; --set depth=6 for a larger one
    (3 min).
    Its score is not measured yet.
    """
    return LanguageRun(
        data="tinyshakespeare", model=network, depth=3, context=128, batch_size=16, epochs=100, minutes=3,
        evaluations=200, optimizer="muon", momentum=0.95, learning_rate=0.01, weight_decay=0.1,
        schedule="linear", warmup=0.02, ema=0.98,
    )  # fmt: skip
