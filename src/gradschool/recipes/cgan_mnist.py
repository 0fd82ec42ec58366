"""Digits on demand: a GAN of two multi-layer perceptrons that are told the class."""

from dataclasses import replace

from gradschool.recipes.adversarial import GanRun
from gradschool.recipes.gan_mnist import gan_mnist


def cgan_mnist() -> GanRun:
    """MNIST with the class beside a code of 128 numbers and beside the picture."""
    return replace(gan_mnist(), conditional=True, model_options={"latent": 128})
