"""Chest X-rays of which more than half of the pixels are missing, or other grey pictures in their place."""

from gradschool.data.catalogue import find, located
from gradschool.data.hide import Damage
from gradschool.recipes.restoration import RestoreRun

STAND_INS = "chestmnist", "fashion", "kmnist10k"


def impute_chest() -> RestoreRun:
    """ChestMNIST with 60 % of the pixels hidden; Fashion-MNIST, KMNIST or digits where it is not here."""
    data = next((name for name in STAND_INS if located(find(name))), "digits")
    return RestoreRun(
        data=data, model="unet", damage=Damage(pixels=0.6), epochs=5, batch_size=128, learning_rate=3e-3,
        weight_decay=1e-2, val=0.0, ema=0.99, evaluations=5,
    )  # fmt: skip
