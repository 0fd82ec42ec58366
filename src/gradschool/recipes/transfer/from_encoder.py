"""Few labels: a classifier on an encoder that was learnt from many pictures without labels."""

from gradschool.models.vision.resnet9 import resnet9
from gradschool.runs.classification.learnt import LearntRun, on_encoder


def from_encoder(*, start: str = "") -> LearntRun:
    """Few labels (--set labels=0.1): a classifier on the encoder of a finished run (--set start=RUN), such as
    animals_simclr; all of it is trained on, or with --set mode=frozen the head alone.
    """
    usual = LearntRun(
        data="", model=resnet9, epochs=40, batch_size=64, learning_rate=3e-3, weight_decay=0.01, warmup=0.1,
        evaluations=5,
    )  # fmt: skip
    return on_encoder(start, usual) if start else usual
