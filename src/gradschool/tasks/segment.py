"""Segmentation: a class for every pixel; what is right is counted over all pixels of all pictures.

A target has one map, the class of each pixel (255: does not count), or a second one, each pixel's weight in
twentieths. The sum of cross-entropy and Dice is that of nnU-Net (Isensee et al. 2021).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gradschool.ops.loss import cross_entropy, focal_loss
from gradschool.ops.segment import STEPS, VOID, confusion, dice_loss, intersection_over_union

Batch = tuple[Tensor, ...]
Criterion = Literal["cross_entropy", "focal", "dice", "both"]


@dataclass(frozen=True)
class Measured:
    """What held-out pictures say: mean cross-entropy of a pixel, and pixels by true class and given class."""

    loss: float
    counts: Tensor

    @property
    def iou(self) -> Tensor:
        """Intersection over union of each class, (k,), NaN where there is nothing of it."""
        return intersection_over_union(self.counts)

    @property
    def accuracy(self) -> float:
        """The share of pixels that are right."""
        return float(self.counts.diagonal().sum() / self.counts.sum().clamp_min(1))


class Segment:
    """Train a model whose output is one logit a class for every pixel.

    Args:
        model: pictures (b, c, h, w) to logits (b, k, h, w).
        criterion: "cross_entropy", "focal", "dice", or "both": cross-entropy and Dice.
        class_weights: (k,), of each class in cross-entropy and focal loss.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self,
        model: nn.Module,
        criterion: Criterion = "cross_entropy",
        class_weights: Tensor | None = None,
        held_out: str = "val",
    ) -> None:
        self.parts = {"model": model}
        self.criterion, self.class_weights, self.held_out = criterion, class_weights, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch (pictures, masks)."""
        x, masks = batch
        logits, y = self.parts["model"](x).float(), masks[:, 0].long()
        terms = []
        if self.criterion != "dice":
            terms.append(self.pixelwise(logits, y, masks))
        if self.criterion in ("dice", "both"):
            terms.append(dice_loss(logits, y))
        return {"loss": torch.stack(terms).sum()}

    def pixelwise(self, logits: Tensor, y: Tensor, masks: Tensor) -> Tensor:
        """Cross-entropy or focal loss (`self.criterion`), as a weighted mean over the pixels.

        Args:
            logits: (b, k, h, w).
            y: true class of every pixel (b, h, w); VOID: not labelled.
            masks: (b, 1 or 2, h, w); the second map, if there is one, is each pixel's weight in units of
                1 / STEPS.

        Returns:
            The sum of weight times loss over the sum of the weights (at least 1). The focal loss of a pixel
            is the sum of the binary losses of its k classes.
        """
        # 1. The weight of each pixel is a product: 0 where y is VOID, else 1; `self.class_weights` (k,) of
        #    its true class, unless None; its own weight, if `masks` has a second map.
        counts = y != VOID
        true = torch.where(counts, y, torch.zeros_like(y))
        weight = counts.float()
        if self.class_weights is not None:
            weight = weight * self.class_weights.to(y.device)[true]
        if masks.shape[1] > 1:
            weight = weight * masks[:, 1] / STEPS
        # 2. The loss of each pixel (b, h, w), then the weighted mean.
        if self.criterion == "focal":
            truth = torch.zeros_like(logits).scatter_(1, true.unsqueeze(1), 1.0)
            each = focal_loss(logits, truth, reduction="none").sum(1)
        else:
            each = cross_entropy(logits, true, reduction="none")
        return (each * weight).sum() / weight.sum().clamp_min(1)

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def measure(self, batches: Iterator[Batch]) -> Measured:
        """Plain cross-entropy and the confusion of classes over all pixels that count."""
        total, pixels, counts = 0.0, 0, None
        for x, masks in batches:
            logits, y = self.parts["model"](x).float(), masks[:, 0].long()
            total += cross_entropy(logits, y, ignore_index=VOID, reduction="sum").item()
            found = confusion(logits.argmax(1), y, logits.shape[1])
            counts = found if counts is None else counts + found
            pixels += int(found.sum())
        if counts is None:
            raise ValueError("0 batches, wanted at least 1. Check the split or the folder.")
        return Measured(total / max(pixels, 1), counts.cpu())

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Loss, share of right pixels, and mean intersection over union of the classes that occur."""
        found, name = self.measure(batches), self.held_out
        return {
            f"{name}_loss": found.loss,
            f"{name}_accuracy": found.accuracy,
            f"{name}_iou": float(found.iou.nanmean()),
        }
