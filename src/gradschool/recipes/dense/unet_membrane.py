"""Cells under the electron microscope, told from the membranes between them."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.dense.unet import unet
from gradschool.runs.dense.segmentation import SegmentRun


def unet_membrane() -> SegmentRun:
    """U-Net for cell membranes: ISBI 2012, 24 training and 6 test slices of 512x512."""
    augment = Augment(flip=True, resized_crop=(0.1, 0.2), brightness=0.2, contrast=0.2, edge="mirror")
    return SegmentRun(
        data="membrane", model=unet, model_options={"width": 16}, crop=192, augment=augment, turning=True,
        criterion="both", batch_size=8, epochs=120, learning_rate=3e-3, weight_decay=1e-2, val=0.0, ema=0.98,
        evaluations=6,
    )  # fmt: skip
