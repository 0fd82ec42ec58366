"""Street scenes from a moving car: eleven classes of what is on the road and beside it."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.dense.unet import unet
from gradschool.runs.dense.segmentation import SegmentRun


def unet_camvid() -> SegmentRun:
    """U-Net for street scenes: CamVid, 240x180, 11 classes; tens of minutes on two cores.

    Its score is not measured yet.
    """
    return SegmentRun(
        data="camvid", model=unet, model_options={"width": 32}, crop=160,
        augment=Augment(flip=True, resized_crop=(0.3, 1.0), brightness=0.3, contrast=0.3, saturation=0.3,
                        edge="mirror"),
        criterion="both", batch_size=12, epochs=120, learning_rate=2e-3, weight_decay=1e-2, ema=0.995,
        evaluations=24, keep="best",
    )  # fmt: skip
