"""Digits by a Wasserstein GAN: a critic of slope 1 in place of a discriminator."""

from gradschool.models.dcgan import dc_critic
from gradschool.recipes.adversarial import GanRun


def wgan_gp_mnist() -> GanRun:
    """MNIST, 28 px, lambda 10, five turns of the critic on 64 pictures each (Gulrajani et al. 2017)."""
    return GanRun(
        data="mnist", model=dc_critic, model_options={"width": 32, "latent": 64}, game="wasserstein",
        penalty=10.0, turns=5, epochs=8, batch_size=320, optimizer="adam", learning_rate=2e-4, beta1=0.0,
        beta2=0.9, schedule="constant", warmup=0.0, ema=0.99, val=0.0,
    )  # fmt: skip
