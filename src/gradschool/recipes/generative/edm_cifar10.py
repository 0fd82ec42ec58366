"""Small colour photographs out of noise, as Karras et al. 2022."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.generative.denoiser import denoiser_medium
from gradschool.runs.generation.diffusion import EdmRun


def edm_cifar10() -> EdmRun:
    """CIFAR-10 with classes, 10 million parameters: a run for a GPU."""
    return EdmRun(
        data="cifar10", model=denoiser_medium, conditional=True, epochs=400, batch_size=512,
        learning_rate=1e-3, schedule="constant", warmup=0.02, ema=0.9999, val=0.0, evaluations=40,
        clip=1.0, augment=Augment(flip=True), save_every=600.0,
    )  # fmt: skip
