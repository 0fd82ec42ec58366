"""Flow matching on handwritten digits."""

from gradschool.models.generative.denoiser import denoiser_small
from gradschool.runs.generation.diffusion import FlowRun


def flow_mnist() -> FlowRun:
    """Flow matching with optimal transport on MNIST, 32 px (2 min; half are legible after half an epoch)."""
    return FlowRun(
        data="mnist", model=denoiser_small, model_options={"width": 16}, size=32, epochs=1, batch_size=64,
        learning_rate=4e-3, schedule="one_cycle", warmup=0.1, ema=0.99, val=0.0, evaluations=6, clip=1.0,
        precision="fp32", pairing="transport",
    )  # fmt: skip
