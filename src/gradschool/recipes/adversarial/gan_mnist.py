"""A GAN of digits from two multilayer perceptrons, as in the first paper."""

from gradschool.models.generative.gan import mlp_gan
from gradschool.runs.generation.adversarial import GanRun


def gan_mnist() -> GanRun:
    """GAN with multilayer perceptrons (100-256-512-1024-784) on MNIST, 10 epochs; courses often train 100."""
    return GanRun(
        data="mnist", model=mlp_gan, epochs=10, batch_size=128, optimizer="adam", learning_rate=2e-4,
        schedule="constant", warmup=0.0, ema=0.999, val=0.0,
    )  # fmt: skip
