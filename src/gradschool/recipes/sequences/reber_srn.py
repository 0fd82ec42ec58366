"""Elman's network reads Reber's grammar."""

from gradschool.models.language.srn import srn
from gradschool.runs.language.formal import FormalRun


def reber_srn() -> FormalRun:
    """SRN with two hidden units on Reber's grammar, hidden states drawn."""
    return FormalRun(
        language="reber",
        model=srn,
        model_options={"hidden": 2},
        steps=5000,
        learning_rate=0.02,
    )
