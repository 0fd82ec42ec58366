"""MNIST in seconds: a small residual network, one cycle."""

from gradschool.data.pipeline import Augment
from gradschool.models.quicknet import quicknet
from gradschool.recipes.image import ImageRun


def mnist() -> ImageRun:
    """Handwritten digits, 28 px."""
    return ImageRun(
        data="mnist",
        model=quicknet,
        model_options={"width": 16, "stride": 1},
        epochs=4,
        batch_size=128,
        learning_rate=8e-3,
        optimizer="adamw",
        weight_decay=0.05,
        warmup=0.25,
        augment=Augment(crop_padding=2),
        ema=0.98,
        val=0.0,
    )
