"""Runs on two views of every picture: SimCLR, and self-distillation in the manner of DINO."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment
from gradschool.data.augment.views import TwoViews
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.task import Batch
from gradschool.errors import UserError
from gradschool.evals.metric import LOSS, Metric
from gradschool.evals.report import representation
from gradschool.evals.report.html import Section
from gradschool.models.vision.projected import (
    Projected,
    SelfDistilled,
    contrastive_head,
    prototype_head,
)
from gradschool.runs.representation.encoder import KNN, SPREAD, EncoderRun
from gradschool.runs.run import Count, Positive, Share
from gradschool.tasks.representation.contrast import Contrast
from gradschool.tasks.representation.distil_self import DistilSelf, Teaching

INFORMATION = Metric("information", "information of answers", "nats", "higher", "0 after a collapse")
SILENT = 0.05  # nats that an answer says of its picture, below which it says nothing


@dataclass(frozen=True, kw_only=True)
class ViewsRun(EncoderRun):
    """A run whose batches are two views of pictures."""

    def prepared(self, mean: Sequence[float], std: Sequence[float]) -> TwoViews:
        """Two views in training, pictures as they are otherwise."""
        sizes = ((0.0, self.size),) if self.size else ()
        return TwoViews(tuple(mean), tuple(std), self.augment, sizes)

    def given(self, pixels: Tensor, x: Tensor, pipeline: Any, generator: torch.Generator) -> Batch:
        """Two views, changed as in training."""
        views: Batch = pipeline.train(pixels, torch.zeros(len(pixels), dtype=torch.int64), generator, 1.0)
        return views

    def notes(self) -> list[str]:
        """That views which are the same teach nothing."""
        if replace(self.augment, edge="black") != Augment():
            return super().notes()
        return [*super().notes(), "No change of pictures is on, so both views are the same picture."]

    def sections(self, model: Any, splits: Splits[Images], pipeline: Any) -> Sequence[Section | None]:
        """What is compared, and, of a vision transformer, where its features come from."""
        shown = representation.views(pipeline, splits.train)
        return [shown, representation.attended(model.body, pipeline, splits.test)]


@dataclass(frozen=True, kw_only=True)
class SimclrRun(ViewsRun):
    """An encoder for which two views of a picture are alike, and unlike all others of a batch."""

    kind: ClassVar[str] = "simclr"
    title: ClassVar[str] = "an encoder learnt without labels (SimCLR)"
    whole_batches: ClassVar[str] = (
        "the contrastive loss of a part of a batch has fewer negatives, so it is not that of the whole"
    )

    temperature: Positive = 0.2
    """Divides cosines of projections; the smaller, the more the nearest negatives count."""
    projection: Count = 128
    """Numbers of a projection."""

    def built(self, body: Any, width: int) -> nn.Module:
        """A projection head of one hidden layer."""
        return Projected(body, contrastive_head(width, self.projection))

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Contrast:
        """NT-Xent.

        Raises:
            UserError: a part has a single picture, which has no negatives.
        """
        for name, part in splits.parts.items():
            if len(part) < 2:
                raise UserError(
                    f"the {name} part has {len(part)} picture", "2 or more: others are negatives", ""
                )
        if self.batch_size < 2:
            raise UserError(f"batch_size is {self.batch_size}", "2 or more: others are negatives", "")
        return Contrast(model, self.bank_of(splits), held_out, self.neighbours, temperature=self.temperature)


@dataclass(frozen=True, kw_only=True)
class DinoRun(ViewsRun):
    """An encoder that predicts from one view what a moving average of itself says of the other."""

    kind: ClassVar[str] = "dino"
    title: ClassVar[str] = "an encoder learnt without labels (self-distillation)"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, KNN, SPREAD, INFORMATION)
    whole_batches: ClassVar[str] = (
        "teacher and centre follow the whole batch, and batch normalisation sees all its views at once"
    )

    outputs: Count = 256
    """Numbers of an answer, k."""
    temperature: Positive = 0.1
    """Of the student."""
    teacher_temperature: Positive = 0.04
    """Of the teacher, below that of the student: sharpening."""
    teacher_momentum: Share = 0.99
    """Share of the teacher's weights that stays at a step; rises to 1."""
    centre_momentum: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the centre that stays at a step; 1 switches centring off."""

    def built(self, body: Any, width: int) -> nn.Module:
        """A student and its teacher."""
        return SelfDistilled(Projected(body, prototype_head(width, self.outputs)), self.outputs)

    def stored(self, model: Any) -> nn.Module:
        """The teacher, which is the better encoder."""
        kept: nn.Module = model.teacher
        return kept

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> DistilSelf:
        """Cross-entropy with the teacher."""
        teaching = Teaching(
            self.temperature, self.teacher_temperature, self.teacher_momentum, self.centre_momentum
        )
        return DistilSelf(model, self.bank_of(splits), held_out, self.neighbours, teaching=teaching)

    def collapsed(self, scores: dict[str, float]) -> str:
        """One output that wins for all pictures, or an even answer to each."""
        found = scores.get("test_information", 1.0)
        if found >= SILENT:
            return super().collapsed(scores)
        return (
            f"the representation has collapsed: the teacher's answer tells {found:.3f} nats of a picture, so "
            "it is the same for all pictures or even for each. A centre that moves (centre_momentum=0.9) "
            "prevents the first, a lower teacher_temperature the second."
        )
