"""Fashion-MNIST on two cores."""

from gradschool.data.pipeline import Augment
from gradschool.models.quicknet import quicknet
from gradschool.recipes.image import ImageRun


def fashion() -> ImageRun:
    """Clothing, 28 px: a small residual network."""
    return ImageRun(
        data="fashion",
        model=quicknet,
        model_options={"stride": 1},
        epochs=8,
        batch_size=128,
        optimizer="nesterov",
        learning_rate=0.15,
        weight_decay=5e-4,
        warmup=0.25,
        label_smoothing=0.05,
        augment=Augment(flip=True, crop_padding=2),
        flip_test=True,
        ema=0.99,
        val=0.0,
    )
