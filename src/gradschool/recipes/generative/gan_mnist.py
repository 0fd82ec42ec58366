"""Digits by the first kind of GAN: two multi-layer perceptrons."""

from gradschool.models.generative.gan import mlp_gan
from gradschool.runs.generation.adversarial import GanRun


def gan_mnist() -> GanRun:
    """MNIST, 100-256-512-1024-784 and back, as the course trains it; it gives 100 passes, here are ten."""
    return GanRun(
        data="mnist", model=mlp_gan, epochs=10, batch_size=128, optimizer="adam", learning_rate=2e-4,
        schedule="constant", warmup=0.0, ema=0.999, val=0.0,
    )  # fmt: skip
