"""An importance-weighted autoencoder of black and white digits."""

from gradschool.models.vae import mlp_vae
from gradschool.recipes.variational import IwaeRun


def iwae_mnist() -> IwaeRun:
    """Static binarised MNIST, 50 codes a digit: about half a minute a pass; likelihood from 200 codes."""
    return IwaeRun(
        data="mnist", model=mlp_vae, model_options={"hidden": 200, "latent": 50, "depth": 2}, samples=50,
        binarise="static", importance=200, epochs=60, batch_size=128, optimizer="adam", learning_rate=1e-3,
        schedule="one_cycle", val=0.0, precision="fp32",
    )  # fmt: skip
