"""Food-101: 101 dishes, the coursework of 2025. Long on a CPU; made for a GPU."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.resnet import resnet18
from gradschool.runs.classification.image import ImageRun


def food101() -> ImageRun:
    """ResNet-18 from scratch on Food-101 (101 dishes, 128 px; score not measured yet)."""
    return ImageRun(
        data="food101",
        model=resnet18,
        epochs=40,
        batch_size=256,
        optimizer="nesterov",
        learning_rate=0.4,
        weight_decay=1e-4,
        warmup=0.1,
        schedule="cosine",
        label_smoothing=0.1,
        image_size=160,
        sizes=((0.0, 96), (0.5, 128)),
        augment=Augment(flip=True, resized_crop=(0.35, 1.0)),
        flip_test=True,
        keep="best",
    )
