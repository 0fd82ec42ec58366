"""Fashion-MNIST on two cores."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.resnet9 import resnet9
from gradschool.runs.classification.image import ImageRun


def fashion() -> ImageRun:
    """Small ResNet classifier on Fashion-MNIST, clothing, 28 px (2.5 min, 92.7 %)."""
    return ImageRun(
        data="fashion",
        model=resnet9,
        model_options={"widths": (64, 128), "stride": 2},
        epochs=8,
        batch_size=128,
        optimizer="nesterov",
        learning_rate=0.1,
        weight_decay=1e-3,
        warmup=0.25,
        label_smoothing=0.05,
        augment=Augment(flip=True, crop_padding=2),
        flip_test=True,
        ema=0.99,
        val=0.0,
        evaluations=2,
    )
