"""An importance-weighted autoencoder of black and white digits."""

from gradschool.models.generative.vae import mlp_vae
from gradschool.runs.generation.variational import IwaeRun


def iwae_mnist() -> IwaeRun:
    """IWAE on binarised MNIST, 50 codes per digit (5 at first): 86.8 nats from 1,000 codes.

    In training every pixel is drawn anew at every step, so that digits cannot be memorised; the test
    digits are drawn once from a fixed seed. About 25 minutes of one core.
    """
    return IwaeRun(
        data="mnist", model=mlp_vae, model_options={"hidden": 300, "latent": 50, "depth": 2}, samples=50,
        first_samples=5, first=0.91, binarise="dynamic", importance=1000, epochs=66, evaluations=6,
        batch_size=128, optimizer="adam", learning_rate=2e-3, schedule="one_cycle", val=0.0, precision="fp32",
    )  # fmt: skip
