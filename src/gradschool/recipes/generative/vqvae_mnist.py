"""A VQ-VAE of digits: 7x7 entries out of a codebook of 64."""

from gradschool.models.generative.vqvae import vqvae
from gradschool.runs.generation.autoencoding import VqRun


def vqvae_mnist() -> VqRun:
    """VQ-VAE on MNIST, 7x7 codes of 6 bits: sharp reconstructions, poor samples (no learned prior)."""
    return VqRun(
        data="mnist", model=vqvae, epochs=3, batch_size=128, optimizer="adam", learning_rate=2e-3,
        schedule="one_cycle", val=0.0,
    )  # fmt: skip
