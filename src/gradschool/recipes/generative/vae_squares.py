"""A variational autoencoder of squares: is its code disentangled?"""

from gradschool.models.generative.vae import mlp_vae
from gradschool.runs.generation.squares import SquaresRun


def vae_squares() -> SquaresRun:
    """VAE on squares of known place and size: is the code disentangled? Try --set beta=4."""
    return SquaresRun(
        data="squares", model=mlp_vae, model_options={"hidden": 256, "latent": 6, "depth": 2}, epochs=300,
        batch_size=64, optimizer="adam", learning_rate=1e-3, schedule="constant", evaluations=5, threads=1,
        precision="fp32",
    )  # fmt: skip
