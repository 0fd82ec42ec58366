"""Detect whether an image is real or made by a VAE or a GAN: the second ESE coursework of 2023."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.resnet9 import resnet9
from gradschool.runs.classification.image import ImageRun


def xray_detect() -> ImageRun:
    """Small ResNet detector of generated images: folders real, vae, gan (--data PATH; 1 min on one core)."""
    return ImageRun(
        data="",
        model=resnet9,
        model_options={"widths": (32, 64), "stem": 16, "stride": 2},
        epochs=12,
        batch_size=64,
        optimizer="nesterov",
        learning_rate=0.05,
        weight_decay=5e-4,
        warmup=0.25,
        augment=Augment(flip=True, crop_padding=2),
        ema=0.98,
        evaluations=6,
        val=0.0,
    )
