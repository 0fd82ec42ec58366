"""A Wasserstein GAN of digits: a critic with gradient penalty in place of a discriminator.

Scores are differences of large numbers, so bfloat16 is left alone.
"""

from gradschool.models.generative.dcgan import dc_critic
from gradschool.runs.generation.adversarial import GanRun


def wgan_gp_mnist() -> GanRun:
    """WGAN-GP on MNIST (28x28): lambda 10, three critic steps of 64 images for each generator step.

    About eight minutes of one core; digits can be recognised after a fifth of that.
    """
    return GanRun(
        data="mnist", model=dc_critic, model_options={"width": 32, "latent": 64}, game="wasserstein",
        penalty=10.0, turns=3, epochs=8, batch_size=192, optimizer="adam", learning_rate=1e-3, beta1=0.0,
        beta2=0.9, schedule="constant", warmup=0.0, ema=0.99, val=0.0, precision="fp32",
    )  # fmt: skip
