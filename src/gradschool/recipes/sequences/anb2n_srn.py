"""Counting at two rates."""

from gradschool.models.language.srn import srn
from gradschool.runs.language.formal import FormalRun


def anb2n_srn() -> FormalRun:
    """SRN with three hidden units on a^n b^2n, n up to 8."""
    return FormalRun(
        language="anb2n",
        model=srn,
        model_options={"hidden": 3},
        steps=8000,
        batch_size=8,
        learning_rate=0.02,
        initial_scale=0.1,
    )
