"""CIFAR-10 in seconds on one GPU."""

from dataclasses import dataclass

import torch
from torch import nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.vision.images import Images
from gradschool.models.vision.speednet import SpeedNet, speednet
from gradschool.runs.vision.classifier import ImageRun

LOOKS = 2000  # images that set the first layer: two million patches for the 12 x 12 numbers they set


@dataclass(frozen=True)
class SpeedRun(ImageRun):
    """An image classifier whose first layer is set by looking at training images."""

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model with its first layer set by the first images, prepared as for a test."""
        model = super().start_model(images, pipeline)
        if isinstance(model, SpeedNet):
            some = torch.arange(min(LOOKS, len(images)))
            model.look_at(pipeline.eval(images.pixels[some], images.labels[some])[0])
        return model


def cifar10_gpu() -> SpeedRun:
    """Ten kinds of small photographs on a GPU, after airbench (published: 94.0 % test; not timed yet)."""
    return SpeedRun(
        data="cifar10",
        model=speednet,
        epochs=13.5,
        batch_size=1024,
        optimizer="nesterov",
        learning_rate=1.5,
        momentum=0.85,
        weight_decay=1.33e-3,
        schedule="linear",
        warmup=0.23,
        label_smoothing=0.2,
        augment=Augment(flip=True, crop_padding=2, edge="mirror"),
        flip_test=True,
        compile=True,
        val=0.0,
        evaluations=1,
        save_every=600.0,
    )
