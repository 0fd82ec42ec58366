"""Chest X-rays of which a third of the pixels is missing, as in the ESE exercise on U-Net."""

from gradschool.data.augment.hide import Damage
from gradschool.data.vision.standins import XRAYS, here
from gradschool.runs.dense.restoration import RestoreRun


def denoise_chest() -> RestoreRun:
    """U-Net that fills in a third of the pixels of chest X-rays (ChestMNIST; other grey images without it).

    The exercise draws 40 % of the positions with repetition, which hides 33 %. It asks for a squared error
    below 0.001 over all pixels, hidden and known (`test_mse`).
    """
    return RestoreRun(
        data=here(*XRAYS), model="unet", model_options={"width": 32, "depth": 2}, damage=Damage(pixels=0.33),
        epochs=10, batch_size=128, learning_rate=3e-3, weight_decay=1e-2, val=0.0, ema=0.99, evaluations=10,
    )  # fmt: skip
