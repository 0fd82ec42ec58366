"""DDPM on handwritten digits."""

from gradschool.models.generative.denoiser import denoiser_small
from gradschool.runs.generation.diffusion import DdpmRun


def ddpm_mnist() -> DdpmRun:
    """DDPM with a small U-Net on MNIST, 32 px, T = 1000 (2 min; about a third of the digits are legible)."""
    return DdpmRun(
        data="mnist", model=denoiser_small, model_options={"width": 16}, size=32, epochs=1, batch_size=64,
        learning_rate=2e-3, schedule="one_cycle", warmup=0.1, ema=0.99, val=0.0, evaluations=6, clip=1.0,
        precision="fp32",
    )  # fmt: skip
