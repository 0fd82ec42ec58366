"""EDM (Karras et al. 2022) on small colour photographs."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.generative.denoiser import denoiser_medium
from gradschool.runs.generation.diffusion import EdmRun


def edm_cifar10() -> EdmRun:
    """Class-conditional EDM with a U-Net of 10 M parameters on CIFAR-10, 32 px (for a GPU; not timed yet).

    Its score is not measured yet.
    """
    return EdmRun(
        data="cifar10", model=denoiser_medium, conditional=True, epochs=400, batch_size=512,
        learning_rate=1e-3, schedule="constant", warmup=0.02, ema=0.9999, val=0.0, evaluations=40,
        clip=1.0, augment=Augment(flip=True), save_every=600.0,
    )  # fmt: skip
