"""Pictures of black and white only: every pixel is on with its grey as probability, drawn once from a seed.

Likelihoods in nats are compared on such pictures. Source: Salakhutdinov and Murray 2008; their drawing of
MNIST is a file of its own, ours is another drawing of the same kind.
"""

from dataclasses import replace

import torch
from jaxtyping import UInt8
from torch import Generator, Tensor

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images

CHUNK = 4096  # pictures at a time


def binarised(pixels: UInt8[Tensor, "n c h w"], generator: Generator) -> UInt8[Tensor, "n c h w"]:
    """Pixels that are 0 or 255, 255 with probability pixel / 255."""
    drawn = torch.empty(pixels.shape, dtype=torch.uint8)
    for start in range(0, len(pixels), CHUNK):
        grey = pixels[start : start + CHUNK]
        drawn[start : start + CHUNK] = (torch.rand(grey.shape, generator=generator) * 255 < grey) * 255
    return drawn


def binarised_splits(splits: Splits[Images], seed: int = 0, train: bool = True) -> Splits[Images]:
    """Every part drawn once.

    Args:
        splits: grey or colour pictures.
        seed: of the drawing.
        train: draw the training part too; else it stays grey, to be drawn anew at every step.
    """

    def drawn(images: Images, part: int) -> Images:
        return replace(images, pixels=binarised(images.pixels, Generator().manual_seed(3 * seed + part)))

    return replace(
        splits,
        train=drawn(splits.train, 0) if train else splits.train,
        val=None if splits.val is None else drawn(splits.val, 1),
        test=drawn(splits.test, 2),
    )
