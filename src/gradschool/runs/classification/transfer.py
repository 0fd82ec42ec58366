"""Transfer: a body that has learnt elsewhere, a new head, few images.

Fine-tuning trains both, the body at a lower rate (Howard and Ruder 2018, section 3.2, "discriminative
fine-tuning"); a frozen body is run once over all images, and only the head is trained on its features. What a
body expects of its images comes from its own configuration: wrong normalisation costs points in silence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader, seeded
from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.engine.optim import Optim
from gradschool.engine.task import Batches
from gradschool.errors import UserError
from gradschool.evals.inference import collect
from gradschool.runs.vision import backbone as timm_net
from gradschool.runs.run import Positive, Request
from gradschool.runs.finish import answers
from gradschool.runs.vision.classifier import ImageRun
from gradschool.practice.ladder import Rung, climb
from gradschool.runs.train import train

ODD = "odd source"


@dataclass(frozen=True, kw_only=True)
class TransferRun(ImageRun):
    """An image classifier on a backbone of timm."""

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

    @property
    def is_learnt(self) -> bool:
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
        expected, notes = timm_net.expects(self.backbone), []
        if self.mode != "scratch" and not self.is_learnt:
            notes.append("The body starts from random weights: learnt ones come with --set pretrained=true.")
        if self.is_learnt and self.normalise == "data":
            notes.append(
                f"normalise=data: {self.backbone} knows images of mean {expected.mean} and "
                f"deviation {expected.std}; others cost accuracy (Hymenoptera: 93.5 in place of 94.8 %)."
            )
        if self.is_learnt and self.side() != expected.side:
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
        if not self.is_learnt:
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
        features, labels = answers(self, model.body, batches.images, batches.pipeline, machine)
        placed = ((machine.place(x), y) for x, y in held_out())
        held = collect(model.body, placed, machine.autocast, self.flip_test)
        fed = Features(
            machine.place(features), machine.place(labels), batches.batch_size, batches.seed, batches.share
        )
        return model.head, fed, lambda: iter([held])


def with_head(body: nn.Module, classes: int) -> timm_net.TransferNet:
    """A timm body with a fresh head."""
    features: Any = getattr(body, "head_hidden_size", None) or body.num_features
    return timm_net.TransferNet(body, features, classes)


@dataclass(frozen=True)
class Features:
    """Batches of features that a frozen body has computed once: the `Batches` of a head.

    Args:
        features: (n, d).
        labels: (n,).
        batch_size: rows a step, over all processes.
        seed: of the order.
        share: (rank, processes): which part of every batch this process gets.
    """

    features: Tensor
    labels: Tensor
    batch_size: int
    seed: int
    share: tuple[int, int] = (0, 1)

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.labels) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of epoch `number` from position `start` on, in the order in which images would come."""
        rank, world = self.share
        size = min(self.batch_size, len(self.labels)) // world * world
        order = torch.randperm(len(self.labels), generator=seeded(self.seed, "order", number))
        order = order.to(self.labels.device)
        for position in range(start, len(self)):
            rows = order[position * size : (position + 1) * size]
            rows = rows[rank * size // world : (rank + 1) * size // world]
            yield self.features[rows], self.labels[rows]


def ways(run: TransferRun) -> dict[str, TransferRun]:
    """The four ways to a classifier that are compared: each differs in one thing from its neighbour."""
    learnt = replace(run, pretrained=run.weights is None)
    return {
        "scratch": replace(run, mode="scratch", pretrained=False, weights=None),
        "wrong normalisation": replace(learnt, mode="finetune", normalise="data"),
        "fine-tuned": replace(learnt, mode="finetune"),
        "frozen": replace(learnt, mode="frozen", augment=Augment()),
    }


def comparison(
    run: TransferRun, seeds: int, out: Path, only: Sequence[str] = (), odd: str = "mnist"
) -> Iterator[Rung]:
    """A set from scratch, fine-tuned with wrong and right normalisation, frozen, and from an odd source.

    Args:
        run: data, backbone and settings that all share.
        seeds: how many, from 0.
        out: folder for the runs.
        only: names of rows; all if empty.
        odd: the set that the odd body learns first, for one epoch, at 32 pixels where the backbone allows.
    Raises:
        UserError: the backbone's weights or a set are not here; said before anything is trained.
    """
    rows = ways(run)
    chosen = {name: rows[name] for name in rows if not only or name in only}
    if any(way.pretrained for way in chosen.values()):
        timm_net.fetched(run.backbone)
    yield from climb(chosen, seeds, out, "hymenoptera_transfer")
    if not only or ODD in only:
        side = None if timm_net.expects(run.backbone).is_fixed else 32
        source = replace(
            rows["scratch"],
            data=odd,
            image_size=side,
            epochs=1,
            batch_size=128,
            augment=Augment(),
            flip_test=False,
        )
        body = train(source, Request("hymenoptera_transfer", out=out / "odd-body"), say=lambda text: None)
        tuned = replace(run, pretrained=False, weights=str(body.path / "model.safetensors"), mode="finetune")
        yield from climb({ODD: tuned}, seeds, out, "hymenoptera_transfer")
