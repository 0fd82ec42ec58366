"""Scans of which lines are missing, restored: the first ESE coursework of 2024."""

from gradschool.data.augment.hide import Damage
from gradschool.data.augment.pipeline import Augment
from gradschool.data.vision.standins import SCANS, here
from gradschool.runs.dense.gaps import GapsRun


def restore_lines() -> GapsRun:
    """U-Net that restores lost lines, 64 px (--data brains.npy --set gaps=test_set.npy, or membranes)."""
    return GapsRun(
        data=here(*SCANS), model="unet", damage=Damage(lines=3, thickness=3.0), image_size=64, epochs=5,
        batch_size=32, learning_rate=3e-3, weight_decay=1e-2, val=0.0, ema=0.99, evaluations=5,
        augment=Augment(flip=True),
    )  # fmt: skip
