"""Supervised fine-tuning: a model of sums and words learns to answer questions."""

from gradschool.recipes.tuning.arithmetic_base import arithmetic_base
from gradschool.runs.language.tuning.answers import AnswersRun


def arithmetic_sft() -> AnswersRun:
    """SFT of arithmetic_base on 600 questions: sums, and games with words (45 s; score not measured yet)."""
    return AnswersRun(
        data="word_games", base=arithmetic_base(), epochs=30, batch_size=16, learning_rate=1e-3,
        weight_decay=0.01, warmup=0.1, clip=1.0, evaluations=10, precision="fp32",
    )  # fmt: skip
