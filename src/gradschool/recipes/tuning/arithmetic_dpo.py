"""Direct preference optimisation: right sums are preferred to wrong ones."""

from gradschool.recipes.tuning.arithmetic_sft import arithmetic_sft
from gradschool.runs.language.tuning.preferences import PreferenceRun


def arithmetic_dpo() -> PreferenceRun:
    """DPO of arithmetic_sft on 600 pairs of a right and a wrong sum (15 s; score not measured yet)."""
    return PreferenceRun(
        data="sum_pairs", base=arithmetic_sft(), beta=0.1, epochs=4, batch_size=32, learning_rate=1e-4,
        schedule="linear", warmup=0.1, clip=1.0, precision="fp32",
    )  # fmt: skip
