"""A deep convolutional GAN of small photographs, twice as wide, for a GPU."""

from dataclasses import replace

from gradschool.recipes.adversarial.dcgan_cifar10 import dcgan_cifar10
from gradschool.runs.generation.adversarial import GanRun


def dcgan_cifar10_gpu() -> GanRun:
    """DCGAN on CIFAR-10 (32x32) for a GPU: 6.1 million parameters, compiled, 200 epochs; not timed yet.

    Its score is not measured yet.
    """
    return replace(
        dcgan_cifar10(), model_options={"width": 128}, compile=True, epochs=200, ema=0.9999, counted=10_000
    )
