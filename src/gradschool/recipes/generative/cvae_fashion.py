"""A conditional variational autoencoder: ask for a class of clothes."""

from dataclasses import replace

from gradschool.recipes.generative.vae_fashion import vae_fashion
from gradschool.runs.generation.variational import VaeRun


def cvae_fashion() -> VaeRun:
    """Conditional VAE on Fashion-MNIST; then `gradschool sample RUN --class Bag`."""
    return replace(vae_fashion(), conditional=True, shown=100)  # ten columns, a class each
