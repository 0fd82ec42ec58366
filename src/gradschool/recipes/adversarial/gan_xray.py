"""X-ray-like pictures by a deep convolutional GAN: the first ESE coursework of 2023."""

from gradschool.data.vision.standins import XRAYS, here
from gradschool.models.generative.dcgan import dcgan
from gradschool.runs.generation.adversarial import GanRun


def gan_xray() -> GanRun:
    """DCGAN on 32x32 X-rays (--data FOLDER), else on ChestMNIST, Fashion-MNIST, KMNIST or digits.

    Other sides are a setting (16, 28, 64 ...): --set size=64. For 8,000 pictures: --set epochs=30.
    """
    return GanRun(
        data=here(*XRAYS), model=dcgan, model_options={"width": 32, "latent": 64}, size=32, epochs=4,
        batch_size=128, optimizer="adam", learning_rate=4e-4, schedule="constant", warmup=0.0, ema=0.99,
        val=0.0, evaluations=4, counted=0,
    )  # fmt: skip
