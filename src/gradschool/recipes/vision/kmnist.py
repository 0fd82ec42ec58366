"""Kuzushiji-MNIST with the course's third network; the first two are `--set model=netlin` and `netfull`.

Source: COMP9444 project 1: SGD, learning rate 0.01, momentum 0.5, batches of 64, 10 epochs.
"""

from gradschool.models.vision.lenet import netconv
from gradschool.runs.classification.image import ImageRun


def kmnist() -> ImageRun:
    """CNN (NetConv) classifier on KMNIST, cursive hiragana, 28 px (course: 93 %; NetLin 70, NetFull 84)."""
    return ImageRun(
        data="kmnist",
        model=netconv,
        epochs=10,
        batch_size=64,
        optimizer="momentum",
        momentum=0.5,
        learning_rate=0.01,
        schedule="constant",
        warmup=0.0,
        val=0.0,
        precision="fp32",
    )
