"""A conditional variational autoencoder: say which kind of clothes is wanted."""

from dataclasses import replace

from gradschool.recipes.generative.vae_fashion import vae_fashion
from gradschool.runs.generation.variational import VaeRun


def cvae_fashion() -> VaeRun:
    """Fashion-MNIST, the class told to both halves: `gradschool sample RUN --class Bag`."""
    return replace(vae_fashion(), conditional=True, shown=100)  # ten columns, a class each
