"""Transfer: a body that has learnt elsewhere, a new head, few images.

Fine-tuning trains both, the body at a lower rate (Howard and Ruder 2018, section 3.2, "discriminative
fine-tuning"); a frozen body is run once over all images, and only the head is trained on its features. What a
body expects of its images comes from its own configuration: wrong normalisation costs points in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.rows import Rows
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.engine.optim import Optim
from gradschool.engine.task import Batches
from gradschool.errors import UserError
from gradschool.evals.inference import collect
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.run import Positive
from gradschool.runs.vision import backbone as timm_net


@dataclass(frozen=True, kw_only=True)
class TransferRun(ImageRun):
    """An image classifier on a backbone of timm."""

    kind: ClassVar[str] = "transfer"
    title: ClassVar[str] = "an image classifier on a backbone"
    places: ClassVar[tuple[str, ...]] = ("data", "teacher", "weights")

    model: Literal["timm"] = "timm"  # type: ignore[assignment]
    """The network is `backbone`."""
    backbone: str = "resnet18"
    """Any network of timm by name, with or without a tag, e.g. resnet18.a1_in1k."""
    mode: Literal["scratch", "finetune", "frozen"] = "finetune"
    """Train all from random weights, train all from learnt ones, or train the head alone."""
    pretrained: bool = False
    """Fetch the backbone's published weights; scratch has no use for them."""
    weights: str | None = None
    """Learnt weights from a .safetensors file instead: timm's, or those of a transfer run."""
    body_rate: Positive = 0.1
    """The body's learning rate in fine-tuning, as a share of the head's."""
    normalise: Literal["backbone", "data"] = "backbone"
    """By the mean and deviation that the backbone knows, or by those of the new images."""

    def __post_init__(self) -> None:
        expected = timm_net.expects(self.backbone)
        if expected.is_fixed and self.image_size not in (None, expected.side):
            what, wanted = (
                f"image_size is {self.image_size}",
                f"{expected.side}, all that {self.backbone} takes",
            )
            raise UserError(what, wanted, "Leave image_size out.")
        if self.sizes or self.test_size:
            raise UserError("sizes or test_size is set", "neither: one size throughout", "Set image_size.")
        if self.mode == "frozen" and self.teacher:
            what, wanted = "mode is frozen beside a teacher", "finetune or scratch"
            raise UserError(what, wanted, "A frozen body sees every picture once and unchanged.")

    @property
    def starts_learnt(self) -> bool:
        """Whether the body starts from learnt weights."""
        return self.mode != "scratch" and (self.pretrained or self.weights is not None)

    def network(self) -> str:
        """The backbone's name and what is done with it."""
        return f"{self.backbone}, {self.mode}"

    def side(self) -> int:
        """The backbone's own side, unless another is asked for."""
        return self.image_size or timm_net.expects(self.backbone).side

    def notes(self) -> list[str]:
        """What a person should know before such a run."""
        expected, notes = timm_net.expects(self.backbone), super().notes()
        if self.mode != "scratch" and not self.starts_learnt:
            notes.append("The body starts from random weights: learnt ones come with --set pretrained=true.")
        if self.starts_learnt and self.normalise == "data":
            notes.append(
                f"normalise=data: {self.backbone} knows images of mean {expected.mean} and "
                f"deviation {expected.std}; others cost accuracy (Hymenoptera: 93.5 in place of 94.8 %)."
            )
        if self.starts_learnt and self.side() != expected.side:
            notes.append(f"image_size={self.side()}: {self.backbone} has learnt from {expected.side} pixels.")
        if self.mode == "frozen":
            notes.append("The body runs once over all images as they are; then the head is trained alone.")
        return notes

    def optim(self) -> Optim:
        """The head at the full rate, the body at its share of it."""
        rates = (("body.", self.body_rate),) if self.mode == "finetune" else ()
        return replace(super().optim(), rates=rates)

    def pipeline(self, images: Images) -> Pipeline:
        """Resized and normalised as the backbone expects, unless normalise=data."""
        if self.normalise == "data":
            return super().pipeline(images)
        expected = timm_net.expects(self.backbone).of(images.pixels.shape[1])
        return self.prepared(expected.mean, expected.std, len(images.classes))

    def prepared(self, mean: Sequence[float], std: Sequence[float], classes: int) -> Pipeline:
        """Every image at the backbone's side, whatever the size it is stored in."""
        return replace(super().prepared(mean, std, classes), sizes=((0.0, self.side()),))

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """Body and head with random weights; nothing is read or fetched."""
        return with_head(timm_net.body(self.backbone, channels, self.model_options), classes)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """Body and head, the body with the weights that were asked for."""
        classes, channels = len(images.classes), images.pixels.shape[1]
        if not self.starts_learnt:
            return self.build_model(classes, channels)
        file = Path(self.weights) if self.weights else timm_net.fetched(self.backbone)
        body = timm_net.trained_body(self.backbone, channels, self.model_options, file)
        return with_head(body, classes)

    def feed(
        self, model: nn.Module, batches: Loader, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """A frozen run trains the head on features, computed here once; others train all on images."""
        if self.mode != "frozen":
            return model, batches, held_out
        assert isinstance(model, timm_net.TransferNet)
        model.body.requires_grad_(False)
        features, labels = self.answers(model.body, batches.images, batches.pipeline, machine)
        placed = ((machine.place(x), y) for x, y in held_out())
        held = collect(model.body, placed, machine.autocast, self.flip_test)
        columns = machine.place(features), machine.place(labels)
        fed = Rows(columns, batches.batch_size, batches.seed, batches.share)
        return model.head, fed, lambda: iter([held])


def with_head(body: nn.Module, classes: int) -> timm_net.TransferNet:
    """A timm body with a fresh head."""
    features: Any = getattr(body, "head_hidden_size", None) or body.num_features
    return timm_net.TransferNet(body, features, classes)
