"""DDPM on small digits, to see the effect of a changed line in seconds."""

from dataclasses import replace

from gradschool.models.generative.denoiser import denoiser_tiny
from gradschool.recipes.generative.ddpm_mnist import ddpm_mnist
from gradschool.runs.generation.diffusion import DdpmRun


def ddpm_digits() -> DdpmRun:
    """DDPM with a tiny U-Net on 8x8 digits, T = 1000 (seconds; strokes, not yet digits)."""
    return replace(
        ddpm_mnist(), data="digits", model=denoiser_tiny, model_options={"width": 16}, size=8, epochs=6,
        learning_rate=4e-3, evaluations=6, threads=1,
    )  # fmt: skip
