"""Counting three letters, which no pushdown automaton can."""

from gradschool.models.language.srn import srn
from gradschool.runs.language.formal import FormalRun


def anbncn_srn() -> FormalRun:
    """SRN with three hidden units on a^n b^n c^n, n up to 8."""
    return FormalRun(
        language="anbncn",
        model=srn,
        model_options={"hidden": 3},
        steps=8000,
        batch_size=8,
        learning_rate=0.02,
        initial_scale=0.1,
    )
