"""The sections of a classifier's report that are about classes and the network: scores, confusion, layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.vision.images import Images
from gradschool.evals.classification import metrics
from gradschool.evals.inference import Transform, device_of
from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.numbers import counted
from gradschool.evals.report.scores import class_table, confusion_table
from gradschool.evals.summary import summarise


@dataclass(frozen=True)
class ClassFacts(Facts):
    """What is known of a classifier of pictures beyond its run folder; all of it optional.

    Args:
        transform: uint8 pixels to what the model takes, as in evaluation.
        augment: uint8 pixels to what the model is trained on; drawn anew at each call.
        mean: per channel, in units of [0, 1]; with `std` it undoes the normalisation for pictures.
        std: per channel.
        test_logits: (n, classes) for `splits.test`, in its order.
        val_logits: (n, classes) for `splits.val`; the temperature is fitted on them.
        ood: a second set, untouched so far, and
        ood_logits: what the model says about it.
        chosen: index into the test set of the image whose feature maps are shown.
        ood_adapted: what it says of the second set with normalisation statistics from both.
    """

    transform: Transform | None = None
    augment: Transform | None = None
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    test_logits: Float[Tensor, "n k"] | None = None
    val_logits: Float[Tensor, "m k"] | None = None
    ood: Images | None = None
    ood_logits: Float[Tensor, "o k"] | None = None
    chosen: int = 0
    ood_adapted: Float[Tensor, "o k"] | None = None
    unit: str = "images"

    @cached_property
    def tested(self) -> tuple[Images, Float[Tensor, "n k"]] | None:
        """The test images with their logits, when both are known."""
        known = self.splits is not None and self.test_logits is not None
        return (self.splits.test, self.test_logits) if known else None  # type: ignore[union-attr, return-value]

    @cached_property
    def confusion(self) -> Tensor | None:
        """The confusion matrix of the test set."""
        if self.tested is None:
            return None
        images, logits = self.tested
        return metrics.confusion_matrix(images.labels, logits.argmax(1), logits.shape[1])

    @cached_property
    def seeing(self) -> tuple[nn.Module, Transform, Images] | None:
        """The network, its input transform and the test images: what every look inside needs."""
        if self.model is None or self.transform is None or self.splits is None or not len(self.splits.test):
            return None
        return self.model, self.transform, self.splits.test

    def on_top(self) -> list[Figure]:
        """Accuracy with its interval, size of the test part, macro F1."""
        if self.tested is None:
            return []
        images, logits = self.tested
        s = metrics.scores(logits, images.labels)
        low, high = (f"{100 * each:.1f}" for each in s.interval)
        most = int(images.labels.bincount().argmax())
        share = 100 * float((images.labels == most).float().mean())
        more = f"loss {s.loss:.3f} nats, top 5 {100 * s.top5:.1f} %"
        return [
            Figure(
                f"{100 * s.accuracy:.1f} %",
                "test accuracy",
                f"95 % interval {low} to {high}; {share:.1f} % are {images.classes[most]}, the largest class",
            ),
            Figure(f"{s.count:,}", "test images", f"{len(images.classes)} classes"),
            Figure(f"{100 * s.f1:.1f} %", "macro F1", more),
        ]


def classes(m: Material[ClassFacts]) -> Section | None:
    """Precision, recall and F1 of each class."""
    if m.facts.tested is None or m.facts.confusion is None:
        return None
    return class_table(m.facts.confusion, m.facts.tested[0].classes, m.facts.unit)


def confused(m: Material[ClassFacts]) -> Section | None:
    """The confusion matrix and its worst cells in words."""
    if m.facts.tested is None or m.facts.confusion is None:
        return None
    return confusion_table(m.facts.confusion, m.facts.tested[0].classes, m.facts.unit)


def layers(m: Material[ClassFacts]) -> Section | None:
    """The model summary."""
    if m.facts.seeing is None:
        return None
    model, transform, images = m.facts.seeing
    s = summarise(model, transform(images.pixels[:1]).to(device_of(model)))
    rows = [
        (r.name or "(model)", r.kind, "×".join(map(str, r.shape)), f"{r.parameters:,}", counted(r.flops),
         "–" if r.field is None else f"{r.field[0]}×{r.field[1]}")
        for r in s.rows
    ]  # fmt: skip
    told = f"{s.parameters:,} parameters ({s.trainable:,} trainable), {counted(s.flops)} FLOPs an image."
    head = ("layer", "kind", "output", "parameters", "FLOPs", "sees, pixels")
    table = html.table(head, rows, "Layers in the order in which they run", words=2)
    reading = (
        "Channels × height × width of each output; FLOPs count 2 for a multiply-add; the last column is the "
        "receptive field, the part of the image that one output value sees (– is all of it)."
    )
    return Section(
        "Model", reading, html.join([html.paragraph(told), html.details(f"{len(rows)} layers", table)])
    )


def picked(images: Images, index: Sequence[int]) -> Images:
    """The images at these places."""
    return images.take(torch.tensor(index, dtype=torch.int64))
