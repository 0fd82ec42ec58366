"""A variational autoencoder of squares: does each number of its code stand for one cause?"""

from gradschool.models.generative.vae import mlp_vae
from gradschool.runs.generation.squares import SquaresRun


def vae_squares() -> SquaresRun:
    """Squares of known place and size; try --set beta=4 and look at the information gap."""
    return SquaresRun(
        data="squares", model=mlp_vae, model_options={"hidden": 256, "latent": 6, "depth": 2}, epochs=300,
        batch_size=64, optimizer="adam", learning_rate=1e-3, schedule="constant", evaluations=5, threads=1,
        precision="fp32",
    )  # fmt: skip
