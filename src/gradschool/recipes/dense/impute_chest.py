"""Chest X-rays of which more than half of the pixels are missing, or other grey pictures in their place."""

from gradschool.data.augment.hide import Damage
from gradschool.data.vision.standins import XRAYS, here
from gradschool.runs.dense.restoration import RestoreRun


def impute_chest() -> RestoreRun:
    """U-Net that fills in 60 % of the pixels of chest X-rays (ChestMNIST; other grey images without it)."""
    return RestoreRun(
        data=here(*XRAYS), model="unet", damage=Damage(pixels=0.6), epochs=5, batch_size=128,
        learning_rate=3e-3, weight_decay=1e-2, val=0.0, ema=0.99, evaluations=5,
    )  # fmt: skip
