"""The smallest network that counts."""

from gradschool.models.language.srn import srn
from gradschool.runs.language.formal import FormalRun


def anbn_srn() -> FormalRun:
    """SRN with two hidden units on a^n b^n, n up to 10."""
    return FormalRun(
        language="anbn",
        model=srn,
        model_options={"hidden": 2},
        steps=6000,
        batch_size=8,
        learning_rate=0.02,
        initial_scale=0.1,
    )
