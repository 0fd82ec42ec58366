"""Digits along straight lines from noise."""

from gradschool.models.generative.denoiser import denoiser_small
from gradschool.runs.generation.diffusion import FlowRun


def flow_mnist() -> FlowRun:
    """MNIST at 32x32, noise and digits paired so that lines are short; half are legible after half a pass."""
    return FlowRun(
        data="mnist", model=denoiser_small, model_options={"width": 16}, size=32, epochs=1, batch_size=64,
        learning_rate=4e-3, schedule="one_cycle", warmup=0.1, ema=0.99, val=0.0, evaluations=6, clip=1.0,
        precision="fp32", pairing="transport",
    )  # fmt: skip
