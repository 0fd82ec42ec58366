"""Few labels: a classifier on an encoder that was learnt from many pictures without labels."""

from gradschool.data.augment.pipeline import Augment
from gradschool.models.vision.resnet9 import resnet9
from gradschool.runs.classification.learnt import LearntRun, on_encoder


def from_encoder(*, start: str = "") -> LearntRun:
    """Few labels (--set labels=0.1): a classifier on the encoder of a finished run (--set start=RUN), such as
    animals_simclr; all of it is trained on, or with --set mode=frozen the head alone.
    """
    settings = {
        "epochs": 40, "batch_size": 64, "optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 0.01,
        "warmup": 0.1, "flip_test": False, "evaluations": 5,
    }  # fmt: skip
    if not start:
        return LearntRun(data="", model=resnet9, augment=Augment(), **settings)
    return on_encoder(start, **settings)
