"""A variational autoencoder of digits."""

from gradschool.models.generative.vae import mlp_vae
from gradschool.runs.generation.variational import VaeRun


def vae_mnist() -> VaeRun:
    """VAE (784-400-20) on MNIST: about 105 nats per digit after 10 epochs."""
    return VaeRun(
        data="mnist", model=mlp_vae, epochs=10, batch_size=128, optimizer="adam", learning_rate=1e-3,
        schedule="constant", val=0.0, precision="fp32",
    )  # fmt: skip
