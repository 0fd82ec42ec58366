"""X-ray-like pictures by a variational autoencoder: the first ESE coursework of 2023."""

from gradschool.data.vision.standins import XRAYS, here
from gradschool.models.generative.vae import conv_vae
from gradschool.runs.generation.variational import VaeRun


def vae_xray() -> VaeRun:
    """VAE on 32x32 X-rays (--data FOLDER), else on ChestMNIST, Fashion-MNIST, KMNIST or digits.

    Other sides are a setting (multiples of 4): --set size=64. For 8,000 pictures: --set epochs=30.
    """
    return VaeRun(
        data=here(*XRAYS), model=conv_vae, model_options={"width": 32, "latent": 32}, size=32,
        likelihood="gaussian", sigma=0.4, epochs=4, batch_size=128, optimizer="adam", learning_rate=2e-3,
        val=0.0, evaluations=4, precision="fp32",
    )  # fmt: skip
