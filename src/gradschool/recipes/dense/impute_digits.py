"""Holes in digits are filled from what is around them."""

from gradschool.data.augment.hide import Damage
from gradschool.runs.dense.restoration import RestoreRun


def impute_digits() -> RestoreRun:
    """Small convolutional network that fills a hidden 4x4 square in 8x8 digits; seconds."""
    return RestoreRun(
        data="digits",
        model="conv",
        damage=Damage(squares=1, side=4),
        epochs=40,
        batch_size=64,
        learning_rate=4e-3,
        weight_decay=1e-2,
        val=0.0,
        ema=0.98,
        evaluations=20,
        threads=1,
    )
