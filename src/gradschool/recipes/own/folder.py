"""Images of your own: any folder or zip of class folders."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.quicknet import quicknet
from gradschool.runs.classification.image import ImageRun


def folder() -> ImageRun:
    """Your own photographs in class folders (--data PATH), 64 px; network and settings of natural_animals."""
    return ImageRun(
        data="",
        model=quicknet,
        epochs=30,
        batch_size=64,
        optimizer="nesterov",
        learning_rate=0.1,
        weight_decay=5e-4,
        warmup=0.25,
        label_smoothing=0.1,
        image_size=64,
        augment=Augment(flip=True, crop_padding=6, edge="mirror"),
        flip_test=True,
        ema=0.99,
        val=0.1,
    )
