"""A reward model: a score that tells right sums from wrong ones."""

from gradschool.recipes.tuning.arithmetic_sft import arithmetic_sft
from gradschool.runs.language.tuning.preferences import RewardRun


def arithmetic_reward() -> RewardRun:
    """Reward model from arithmetic_sft on 600 pairs of a right and a wrong sum (30 s).

    Its score is not measured yet.
    """
    return RewardRun(
        data="sum_pairs", base=arithmetic_sft(), epochs=10, batch_size=32, learning_rate=1e-3,
        weight_decay=0.01, warmup=0.1, clip=1.0, precision="fp32",
    )  # fmt: skip
