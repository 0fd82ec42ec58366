"""Small digits out of noise, to see a change of one line in seconds."""

from dataclasses import replace

from gradschool.models.generative.denoiser import denoiser_tiny
from gradschool.recipes.generative.ddpm_mnist import ddpm_mnist
from gradschool.runs.generation.diffusion import DdpmRun


def ddpm_digits() -> DdpmRun:
    """8x8 digits with T = 1000, six passes in seconds: strokes that are no digits yet."""
    return replace(
        ddpm_mnist(), data="digits", model=denoiser_tiny, model_options={"width": 16}, size=8, epochs=6,
        learning_rate=4e-3, evaluations=6, threads=1,
    )  # fmt: skip
