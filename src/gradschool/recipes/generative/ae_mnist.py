"""An autoencoder of digits with a 2-D code, so that all its codes can be drawn on a page."""

from gradschool.models.generative.autoencoder import mlp_autoencoder
from gradschool.runs.generation.autoencoding import AutoencoderRun


def ae_mnist() -> AutoencoderRun:
    """Autoencoder with a 2-D code on MNIST: squared error per pixel 0.036 after 15 epochs (PCA: 0.056)."""
    return AutoencoderRun(
        data="mnist", model=mlp_autoencoder, epochs=15, batch_size=128, optimizer="adam", learning_rate=2e-3,
        schedule="one_cycle", val=0.0, precision="fp32",
    )  # fmt: skip
