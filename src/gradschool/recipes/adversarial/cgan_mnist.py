"""Digits of a class that is asked for: a conditional DCGAN."""

from dataclasses import replace

from gradschool.recipes.adversarial.dcgan_mnist import dcgan_mnist
from gradschool.runs.generation.adversarial import GanRun


def cgan_mnist() -> GanRun:
    """Conditional DCGAN on MNIST: the class goes beside the noise and, as ten channels, beside the image.

    After one of its six epochs a classifier finds 69 % of the digits to be the one asked for.
    """
    return replace(dcgan_mnist(), conditional=True, epochs=6)
