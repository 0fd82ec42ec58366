"""CIFAR-10 on two cores."""

from gradschool.data.pipeline import Augment
from gradschool.models.quicknet import quicknet
from gradschool.recipes.image import ImageRun


def cifar10() -> ImageRun:
    """Ten kinds of small photographs, 32 px: a residual network in a few minutes."""
    return ImageRun(
        data="cifar10",
        model=quicknet,
        model_options={"stride": 1},
        epochs=8,
        batch_size=256,
        optimizer="nesterov",
        learning_rate=0.4,
        weight_decay=5e-4,
        warmup=0.25,
        label_smoothing=0.1,
        augment=Augment(flip=True, crop_padding=3, edge="mirror"),
        flip_test=True,
        val=0.0,
        evaluations=4,
    )
