"""Distillation: classification with a teacher's answers beside the labels (Hinton et al. 2015)."""

import torch
from torch import Tensor, nn

from gradschool.ops.practice.distillation import distillation_loss
from gradschool.tasks.classify import Batch, Classify


class Distil(Classify):
    """Train a model on labels and on a teacher's logits for the same inputs.

    Args:
        model: as for `Classify`.
        temperature: of both softmaxes in the soft term, > 0.
        weight: of the soft term, 0 (labels alone) to 1 (teacher alone).
        label_smoothing: of the labels in the hard term, 0 to below 1.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self,
        model: nn.Module,
        temperature: float,
        weight: float,
        label_smoothing: float = 0.0,
        held_out: str = "val",
    ) -> None:
        super().__init__(model, label_smoothing, held_out=held_out)
        self.temperature, self.weight = temperature, weight

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean loss of a batch (x, teacher's logits, y); y is labels or shares of classes."""
        *x, taught, y = batch
        logits = self.parts["model"](*x)
        targets = smoothed(y, logits.shape[1], self.label_smoothing) if self.label_smoothing else y
        return {"loss": distillation_loss(logits, taught, targets, self.temperature, self.weight)}


def smoothed(y: Tensor, classes: int, smoothing: float) -> Tensor:
    """Labels (b,) or shares (b, classes) as shares, of which `smoothing` is spread over all classes."""
    shares = y if y.is_floating_point() else torch.nn.functional.one_hot(y, classes).float()
    return (1 - smoothing) * shares + smoothing / classes
