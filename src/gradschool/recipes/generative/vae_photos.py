"""A variational autoencoder of photographs, of any class of any folder, with at most a million parameters."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.generative.vae import map_vae
from gradschool.runs.generation.variational import VaeRun


def vae_photos() -> VaeRun:
    """VAE on 64x64 photographs of 20 animals, codes of 4x16x16: a first stage for latent diffusion."""
    return VaeRun(
        data="natural_animals", model=map_vae, limit=1_000_000, likelihood="gaussian", sigma=0.1, size=64,
        epochs=3, batch_size=32, learning_rate=2e-3, schedule="one_cycle", clip=100.0, val=0.0, evaluations=6,
        augment=Augment(flip=True), precision="fp32",
    )  # fmt: skip
