"""CIFAR-10 on two cores."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.resnet9 import resnet9
from gradschool.runs.classification.image import ImageRun


def cifar10() -> ImageRun:
    """Residual network on CIFAR-10 (ten classes of photographs, 32 px); about seven minutes on two cores.

    Its score is not measured yet.
    """
    return ImageRun(
        data="cifar10",
        model=resnet9,
        model_options={"stride": 1},
        epochs=10,
        batch_size=128,
        optimizer="nesterov",
        learning_rate=0.1,
        weight_decay=2e-3,
        warmup=0.25,
        label_smoothing=0.1,
        augment=Augment(flip=True, crop_padding=3, edge="mirror"),
        flip_test=True,
        val=0.0,
        evaluations=4,
    )
