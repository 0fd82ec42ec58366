"""A variational autoencoder of black and white digits, the setting in which likelihoods are compared."""

from gradschool.models.generative.vae import mlp_vae
from gradschool.runs.generation.variational import VaeRun


def vae_binary_mnist() -> VaeRun:
    """VAE with two hidden layers on statically binarised MNIST; test likelihood from 200 codes per digit."""
    return VaeRun(
        data="mnist", model=mlp_vae, model_options={"hidden": 300, "latent": 40, "depth": 2},
        binarise="static", importance=200, epochs=100, evaluations=20, batch_size=128, optimizer="adam",
        learning_rate=2e-3, schedule="one_cycle", kl_warmup=0.1, val=0.0, precision="fp32",
    )  # fmt: skip
