"""A GPT of ten million weights on the characters of Shakespeare, for a GPU."""

from gradschool.models.language.gpt import gpt
from gradschool.runs.language.model import LanguageRun


def shakespeare_gpt_gpu() -> LanguageRun:
    """Large GPT with dropout on the characters of tiny Shakespeare, on a GPU (not timed yet).

    Its score is not measured yet.
    """
    return LanguageRun(
        data="tinyshakespeare", model=gpt, model_options={"dropout": 0.2, "feed": "relu2"}, depth=6,
        context=256, batch_size=64, epochs=40, evaluations=20, keep="best", optimizer="muon", momentum=0.95,
        learning_rate=0.006, weight_decay=0.1, schedule="linear", warmup=0.02, ema=0.995, val=20_000,
        val_first=True, test=55_690,
    )  # fmt: skip
