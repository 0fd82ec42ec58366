"""CIFAR-10 in seconds on one GPU."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.speednet import speednet
from gradschool.runs.classification.speed import SpeedRun


def cifar10_gpu() -> SpeedRun:
    """CIFAR-10 on a GPU, after airbench (published: 94.0 %; not timed here)."""
    return SpeedRun(
        data="cifar10",
        model=speednet,
        epochs=13.5,
        batch_size=1024,
        optimizer="nesterov",
        learning_rate=1.5,
        momentum=0.85,
        weight_decay=1.33e-3,
        schedule="linear",
        warmup=0.23,
        label_smoothing=0.2,
        augment=Augment(flip=True, crop_padding=2, edge="mirror"),
        flip_test=True,
        compile=True,
        val=0.0,
        evaluations=1,
        save_every=600.0,
    )
