"""Capitals and punctuation marks put back into a text that has lost them."""

from gradschool.runs.language.label import SequenceLabels


def restore_capitals() -> SequenceLabels:
    """Capitals and punctuation restored in the lectures (about a minute, span F1 20 %; table: 15 %)."""
    return SequenceLabels(
        data="lectures", model_options={"width": 48, "hidden": 48, "dropout": 0.5}, epochs=12, batch_size=16,
        learning_rate=5e-3, clip=1.0, keep="best", precision="fp32", threads=1,
    )  # fmt: skip
