"""CIFAR-10 with a vision transformer: no convolution but the cut into patches of four pixels."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.vit import plain_vit
from gradschool.runs.classification.image import ImageRun


def cifar10_vit() -> ImageRun:
    """Vision transformer of 1.4 million parameters on CIFAR-10, 15 minutes; beside it cifar10_coatnet and
    cifar10_cnn.
    Its score is not measured yet.
    """
    return ImageRun(
        data="cifar10",
        model=plain_vit,
        model_options={"patch": 4, "width": 128, "depth": 7, "heads": 4},
        epochs=100,
        minutes=15,
        batch_size=128,
        optimizer="adamw",
        learning_rate=1e-3,
        weight_decay=0.05,
        schedule="one_cycle",
        warmup=0.1,
        label_smoothing=0.1,
        clip=1.0,
        augment=Augment(flip=True, crop_padding=3, edge="mirror"),
        flip_test=True,
        val=0.0,
        evaluations=10,
    )
