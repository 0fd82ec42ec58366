"""Latent diffusion: photographs of one class, by diffusion on the latent maps of a VAE."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.generative.denoiser import denoiser_small
from gradschool.recipes.generative.vae_photos import vae_photos
from gradschool.runs.generation.latent import LatentRun


def latent_photos() -> LatentRun:
    """Latent diffusion (U-Net, 2.9 M parameters) on jellyfish, 64 px; or any class of a folder (--data)."""
    return LatentRun(
        data="natural_animals", autoencoder=vae_photos(), only=("jellyfish",), model=denoiser_small,
        model_options={"width": 32},
        limit=20_000_000, size=64, epochs=400, batch_size=32, learning_rate=1e-3, schedule="one_cycle",
        warmup=0.1, ema=0.999, val=0.0, evaluations=6, clip=1.0, predicts="v", views=8, shown=36,
        augment=Augment(flip=True, resized_crop=(0.7, 1.0)), precision="fp32",
    )  # fmt: skip
