"""A variational autoencoder of clothes."""

from gradschool.models.generative.vae import conv_vae
from gradschool.runs.generation.variational import VaeRun


def vae_fashion() -> VaeRun:
    """Convolutional VAE on Fashion-MNIST; the loss is squared error plus KL, summed over an image."""
    return VaeRun(
        data="fashion", model=conv_vae, likelihood="gaussian", epochs=15, batch_size=128, optimizer="adam",
        learning_rate=2e-3, schedule="one_cycle", val=0.0,
    )  # fmt: skip
