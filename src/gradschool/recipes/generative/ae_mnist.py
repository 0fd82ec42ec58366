"""An autoencoder of digits with two numbers in the middle: its whole space of codes fits on a page."""

from gradschool.models.generative.autoencoder import mlp_autoencoder
from gradschool.runs.generation.autoencoding import AutoencoderRun


def ae_mnist() -> AutoencoderRun:
    """MNIST through two numbers; squared error a pixel: 0.036 after fifteen passes, by PCA 0.056."""
    return AutoencoderRun(
        data="mnist", model=mlp_autoencoder, epochs=15, batch_size=128, optimizer="adam", learning_rate=2e-3,
        schedule="one_cycle", val=0.0, precision="fp32",
    )  # fmt: skip
