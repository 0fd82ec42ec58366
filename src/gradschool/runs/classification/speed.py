"""A classifier whose first layer is set by looking at training images, before the first step.

Source: Jordan 2024, section 3.1 (whitening).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.vision.images import Images
from gradschool.models.vision.speednet import SpeedNet
from gradschool.runs.classification.image import ImageRun

LOOKS = 2000  # images that set the first layer: two million patches for the 12 x 12 numbers they set


@dataclass(frozen=True, kw_only=True)
class SpeedRun(ImageRun):
    """An image classifier whose first layer is set by looking at training images."""

    kind: ClassVar[str] = "speed"

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model with its first layer set by the first images, prepared as for a test."""
        model = super().start_model(images, pipeline)
        if isinstance(model, SpeedNet):
            some = torch.arange(min(LOOKS, len(images)))
            model.look_at(pipeline.eval(images.pixels[some], images.labels[some])[0])
        return model
