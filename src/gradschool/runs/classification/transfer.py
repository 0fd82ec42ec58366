"""Transfer: a body that has learnt elsewhere, a new head, few images.

Fine-tuning trains both, the body at a lower rate (Howard and Ruder 2018, section 3.2, "discriminative
fine-tuning"), from a random head or from one that fits the body's features already (Kumar et al. 2022,
"linear probing, then fine-tuning"); low-rank adaptation trains thin matrices beside the body's (Hu et al.
2022); of a frozen body only the head is trained, on features that are computed once. What a body expects of
its images comes from its own configuration: wrong normalisation costs points in silence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.rows import Rows
from gradschool.data.vision.few import few
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader, evaluation_batches
from gradschool.data.vision.open import open_set
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.engine.optim import Optim
from gradschool.engine.task import Batches
from gradschool.errors import UserError
from gradschool.evals.classification.probe import linear_probe
from gradschool.evals.inference import evaluating
from gradschool.nn.attention.lora import adapt_all
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.run import Count, Positive
from gradschool.runs.vision import backbone as timm_net
from gradschool.runs.vision.brought import brought
from gradschool.runs.vision.features import FrozenBody


@dataclass(frozen=True)
class Shown:
    """The pictures that are looked at while training, and how; called, it makes their batches."""

    images: Images
    pipeline: Pipeline
    batch: int

    def __call__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches."""
        return evaluation_batches(self.images, self.pipeline, self.batch)


@dataclass(frozen=True, kw_only=True)
class TransferRun(ImageRun):
    """An image classifier on a backbone of timm."""

    kind: ClassVar[str] = "transfer"
    title: ClassVar[str] = "an image classifier on a backbone"
    places: ClassVar[tuple[str, ...]] = ("data", "teacher", "weights")

    model: Literal["timm"] = "timm"  # type: ignore[assignment]
    """The network is `backbone`."""
    backbone: str = "resnet18"
    """A network of timm by name, e.g. resnet18.a1_in1k, or a folder or .safetensors file of its weights."""
    mode: Literal["scratch", "finetune", "probe_finetune", "lora", "frozen"] = "finetune"
    """Train all from random weights; all from learnt ones, with a random head or after a linear probe; thin
    matrices beside the body's; or the head alone."""
    pretrained: bool = False
    """Start from the backbone's published weights, of the data pack or a cache; not if mode is scratch."""
    fetch: bool = False
    """Fetch them by their name where they are not here yet."""
    weights: str | None = None
    """Learnt weights from a .safetensors file instead: timm's, or those of a transfer run."""
    learnt_from: dict[str, Any] = field(default_factory=dict)
    """The input_size, mean and std that the weights expect, where timm says otherwise of the network."""
    kept_size: Count | None = None
    """Side of the pictures as they are kept and changed, before they grow to the backbone's: saves room."""
    shots: Count | None = None
    """So many training pictures of each class, drawn by the seed of the split; all if not given."""
    body_rate: Positive = 0.1
    """The body's learning rate in fine-tuning, as a share of the head's."""
    rank: Count = 8
    """Of the matrices of low-rank adaptation."""
    probe_decay: Positive = 0.1
    """Penalty on the weights of the linear probe before fine-tuning."""
    normalise: Literal["backbone", "data"] = "backbone"
    """By the mean and deviation that the backbone knows, or by those of the new images."""

    def __post_init__(self) -> None:
        self.take_apart()
        expected = self.expected
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

    def take_apart(self) -> None:
        """Turn a folder or file that is given as the backbone into its network's name and its weights.

        Raises:
            UserError: it holds none, or weights are named twice.
        """
        here = brought(self.backbone)
        if here is None:
            return
        if self.weights is not None:
            what = f"weights is {self.weights}, and backbone is {self.backbone}, which has some of its own"
            raise UserError(what, "one of both", "Name the network: --set backbone=NAME.")
        parts = {"backbone": here.name, "weights": str(here.weights), "learnt_from": here.learnt_from}
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    @property
    def expected(self) -> timm_net.Expects:
        """What the body has learnt from."""
        return timm_net.expects(self.backbone, self.learnt_from)

    @property
    def starts_learnt(self) -> bool:
        """Whether the body starts from learnt weights."""
        return self.mode != "scratch" and (self.pretrained or self.weights is not None)

    def network(self) -> str:
        """The backbone's name and what is done with it."""
        return f"{self.backbone}, {self.mode}"

    def side(self) -> int:
        """The backbone's own side, unless another is asked for."""
        return self.image_size or self.expected.side

    def notes(self) -> list[str]:
        """What a person should know before such a run."""
        expected, notes = self.expected, super().notes()
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
        if self.mode == "probe_finetune":
            notes.append(
                "The body runs once over all images, and a linear classifier of its features is the head."
            )
        return notes

    def optim(self) -> Optim:
        """The head at the full rate, the body at its share of it."""
        rates = (("body.", self.body_rate),) if self.mode in ("finetune", "probe_finetune") else ()
        return replace(super().optim(), rates=rates)

    def pipeline(self, images: Images) -> Pipeline:
        """Resized and normalised as the backbone expects, unless normalise=data."""
        if self.normalise == "data":
            return super().pipeline(images)
        expected = self.expected.of(images.pixels.shape[1])
        return self.prepared(expected.mean, expected.std, len(images.classes))

    def prepared(self, mean: Sequence[float], std: Sequence[float], classes: int) -> Pipeline:
        """Every image at the backbone's side, whatever the size it is stored in."""
        return replace(super().prepared(mean, std, classes), sizes=((0.0, self.side()),))

    def opened(self, seed: int, val: float, data: str | None = None) -> Splits[Images]:
        """The pictures; of the training part only so many of each class, if that is asked for."""
        splits = open_set(data or self.data, size=self.kept_size or self.side(), val=val, seed=seed)
        return splits if self.shots is None else replace(splits, train=few(splits.train, self.shots, seed))

    def evaluation(self, splits: Splits[Images], pipeline: Pipeline) -> Shown:
        """The validation part, or the test part without one; a frozen body finds its features again."""
        return Shown(splits.val or splits.test, pipeline, 2 * self.batch_size)

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """Body and head with random weights; nothing is read or fetched."""
        return self.with_head(timm_net.body(self.backbone, channels, self.model_options), classes)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """Body and head, the body with the weights that were asked for."""
        classes, channels = len(images.classes), images.pixels.shape[1]
        if not self.starts_learnt:
            return self.build_model(classes, channels)
        file = Path(self.weights) if self.weights else timm_net.learnt(self.backbone, self.fetch)
        body = timm_net.trained_body(self.backbone, channels, self.model_options, file)
        return self.with_head(body, classes)

    def with_head(self, body: nn.Module, classes: int) -> timm_net.TransferNet:
        """A timm body, with thin matrices beside its own if that is asked for, and a fresh head.

        Raises:
            UserError: no layer has room for matrices of that rank.
        """
        features: Any = getattr(body, "head_hidden_size", None) or body.num_features
        if self.mode == "lora":
            try:
                adapt_all(body, self.rank, 2.0 * self.rank)
            except ValueError as error:
                what = f"rank is {self.rank}, for which no layer of {self.backbone} has room"
                raise UserError(what, "a smaller number", "Try --set rank=8.") from error
        return timm_net.TransferNet(body, features, classes, steady=self.mode == "lora")

    def feed(
        self, model: nn.Module, batches: Loader, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """A frozen run trains the head on features, computed here once; others train all on images, one of
        them from a head that fits those features.
        """
        if self.mode not in ("frozen", "probe_finetune"):
            return model, batches, held_out
        assert isinstance(model, timm_net.TransferNet) and isinstance(held_out, Shown)
        images = batches.images
        features = self.features(model, images, batches.pipeline, machine)
        if self.mode == "probe_finetune":
            found = linear_probe(features, images.labels, len(images.classes), self.probe_decay)
            with torch.no_grad():
                for parameter, value in zip((model.head.weight, model.head.bias), found, strict=True):
                    assert parameter is not None
                    parameter.copy_(value)
            return model, batches, held_out
        model.body.requires_grad_(False)
        held = self.features(model, held_out.images, held_out.pipeline, machine), held_out.images.labels
        columns = machine.place(features), machine.place(images.labels)
        fed = Rows(columns, batches.batch_size, batches.seed, batches.share)
        return model.head, fed, lambda: iter([held])

    def features(
        self, model: timm_net.TransferNet, images: Images, pipeline: Pipeline, machine: Machine
    ) -> Tensor:
        """What the body makes of pictures, from the cache where it has seen them before."""
        body = FrozenBody(model.body, pipeline, machine, self.flip_test, 2 * self.batch_size)
        return body.features(images)

    def answers(
        self, model: nn.Module, images: Images, pipeline: Pipeline, machine: Machine
    ) -> tuple[Tensor, Tensor]:
        """Logits and labels of all images as the run tests; a frozen body looks at a picture once."""
        if self.mode != "frozen" or not isinstance(model, timm_net.TransferNet):
            return super().answers(model, images, pipeline, machine)
        features = machine.place(self.features(model, images, pipeline, machine))
        with torch.no_grad(), evaluating(model.head):
            return model.head(features).float().cpu(), images.labels
