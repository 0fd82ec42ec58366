"""A trained network as something that looks at pictures: predicting, scoring and judging share it."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from torch import nn

from gradschool.evals.inference import Precision, Transform


@dataclass(frozen=True)
class Classifier:
    """A trained network and all that it needs to look at a picture.

    Args:
        model: maps transformed images to one logit a class.
        classes: their names, in order.
        transform: uint8 pixels (b, channels, height, width) to the network's input, placed where it runs.
        channels: 1 for grey, 3 for colour.
        height: in pixels, as stored for training.
        width: in pixels.
        precision: makes the context to run in.
        flip: average with the mirrored picture, as the test score did.
    """

    model: nn.Module
    classes: Sequence[str]
    transform: Transform
    channels: int
    height: int
    width: int
    precision: Precision = nullcontext
    flip: bool = False
