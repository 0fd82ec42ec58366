"""A small language model of sums and words: what the other recipes of arithmetic start from."""

from gradschool.models.language.gpt import gpt
from gradschool.runs.language.model import LanguageRun


def arithmetic_base() -> LanguageRun:
    """GPT of depth 2 on 9,000 sums and 4,500 lines about words, before fine-tuning (about 5 min).

    Its score is not measured yet.
    """
    return LanguageRun(
        data="sums_and_words", model=gpt, depth=2, context=48, batch_size=32, epochs=20, evaluations=10,
        optimizer="muon", learning_rate=1e-2, momentum=0.95, schedule="linear", warmup=0.05, clip=1.0, val=0,
        test=0.02, precision="fp32",
    )  # fmt: skip
