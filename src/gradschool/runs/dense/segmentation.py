"""A segmenter's run: a class for every pixel, its scores, its pictures, and masks for files of any size."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from jaxtyping import UInt8
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.borders import two_nearest
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.masks import Masked, MaskPipeline, open_masked, weighed
from gradschool.data.vision.statistics import channel_statistics, pixel_class_weights
from gradschool.engine.device import Machine
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.files import Prediction
from gradschool.evals.inference import evaluating
from gradschool.evals.metric import LOSS, Metric
from gradschool.evals.report import numbers
from gradschool.evals.report.masks import beside, by_class
from gradschool.evals.report.material import Facts
from gradschool.evals.report.page import write_report
from gradschool.models import catalogue
from gradschool.models.dense.timm_unet import TimmUNet
from gradschool.ops.segment import VOID, boundary_weights
from gradschool.phrases import command
from gradschool.runs.dense.looking import Looking
from gradschool.runs.dense.outline import outline
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Progressing
from gradschool.runs.kind import Skip
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.run import Count, Pieces
from gradschool.runs.settings import ByName, make_model
from gradschool.runs.vision import backbone
from gradschool.runs.vision.pictures import PictureRun
from gradschool.tasks.segment import Criterion, Segment

SHOWN = 6  # test pictures in the report
REACH = 3  # deviations: farther from a gap its weight is nothing
SegmenterFunction = Annotated[Callable[..., nn.Module], ByName("labels")]


@dataclass(frozen=True, kw_only=True)
class SegmentRun(PictureRun):
    """A network that gives every pixel a class, trained on pictures with masks."""

    kind: ClassVar[str] = "segmenter"
    title: ClassVar[str] = "a segmenter"
    places: ClassVar[tuple[str, ...]] = ("data", "weights")
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("iou", "mean IoU", "", "higher", "of the classes that occur in the test part"),
        Metric("accuracy", "pixels that are right", "share", "higher"),
        LOSS,
    )

    model: SegmenterFunction
    """Which network: the name of a function of (labels, channels) in gradschool.models, e.g. unet."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.width=16."""
    weights: str = ""
    """What the backbone of timm_unet has learned elsewhere: a .safetensors file, or hub to fetch it."""
    criterion: Criterion = "both"
    """What is lowered: cross_entropy, focal, dice, or both cross-entropy and Dice."""
    balance: bool = False
    """Weigh rare classes up in cross-entropy and focal loss."""
    border: Annotated[float, Field(ge=0)] = 0.0
    """How much more a pixel in the narrowest gap between two cells counts; two classes only, 0: no more."""
    border_width: Annotated[float, Field(gt=0)] = 5.0
    """Width in pixels of the gaps that count more."""
    crop: Count | None = None
    """Side of the squares that are trained on; whole pictures if not given."""
    augment: Augment = field(default_factory=Augment)
    """Random changes of the training pictures; masks move along."""
    turning: bool = False
    """Pictures have no up: training turns them by quarters, and answers are means over their eight views."""
    tile: Annotated[int, Field(ge=32)] = 512
    """Larger pictures are looked at in tiles of this side."""
    overlap: Annotated[int, Field(ge=0)] = 64
    """Pixels that neighbouring tiles have in common."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures; where gaps count more, the training pictures bring a weight for every pixel."""
        splits = open_masked(data or self.data, val=self.val)
        if not self.border:
            return splits
        if len(splits.train.classes) != 2:
            what = f"border is {self.border} and there are {len(splits.train.classes)} classes"
            raise UserError(what, "two, background and cells", "Use --set border=0.")
        assert isinstance(splits.train, Masked)
        return replace(splits, train=weighed(splits.train, self.border_weights(splits.train.labels[:, 0])))

    def border_weights(self, masks: UInt8[Tensor, "n h w"]) -> Tensor:
        """Each pixel's weight in the loss, (n, h, w)."""
        reach = max(1, round(REACH * self.border_width))
        found = [two_nearest(mask.numpy() == 1, reach) for mask in masks]
        first, second = (torch.stack([torch.from_numpy(f[i]) for f in found]) for i in (0, 1))
        return boundary_weights(first, second, self.border, self.border_width)

    def pipeline(self, images: Images) -> MaskPipeline:
        """Normalised by the training pictures' own mean and deviation; crops in training only."""
        mean, std = channel_statistics(images)
        return self.prepared(mean, std, len(images.classes))

    def prepared(self, mean: tuple[float, ...], std: tuple[float, ...], classes: int) -> MaskPipeline:
        """The same with a mean and a deviation that are known already."""
        sizes = ((0.0, self.crop),) if self.crop else ()
        return MaskPipeline(tuple(mean), tuple(std), self.augment, sizes, classes, turning=self.turning)

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """A freshly initialised model."""
        return make_model(self.model, classes, channels, options=self.model_options)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model with random weights; its backbone with learned ones, where they are given."""
        channels = images.pixels.shape[1]
        model = self.build_model(len(images.classes), channels)
        if self.weights:
            if not isinstance(model, TimmUNet):
                what = f"weights is {self.weights} and the model {self.network()}"
                raise UserError(what, "a model with a backbone", "Use --set model=timm_unet.")
            load_backbone(model, self.model_options.get("backbone", "resnet18"), channels, self.weights)
        return model

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(len(facts["classes"]), facts["channels"])

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Segment:
        """Cross-entropy of pixels, Dice of regions, or both."""
        weights = pixel_class_weights(splits.train) if self.balance else None
        return Segment(model, self.criterion, weights, held_out)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """One look at the test part; write scores, weights and what predicting needs."""
        splits, machine, model = pieces.splits, pieces.stepper.machine, pieces.model
        # 1. Every test picture, in tiles where it is large.
        with final_weights(self, pieces, folder), evaluating(model), torch.inference_mode():
            batches = evaluation_batches(splits.test, pieces.pipeline, 2 * self.batch_size)
            found = Segment(self.looking(model, machine)).measure(machine.placed(batches))
        scores = {
            "test_loss": found.loss,
            "test_accuracy": found.accuracy,
            "test_iou": float(found.iou.nanmean()),
        }
        # 2. The record.
        classes = splits.train.classes
        facts = {
            "classes": list(classes),
            "channels": splits.train.pixels.shape[1],
            "input": list(splits.test.pixels.shape[1:]),
            "mean": list(pieces.pipeline.mean),
            "std": list(pieces.pipeline.std),
            "parameters": sum(p.numel() for p in model.parameters()),
        }
        folder.write("model.json", facts)
        pairs = zip(classes, found.iou.tolist(), strict=True)
        known = {name: value for name, value in pairs if not math.isnan(value)}
        write_result(self, pieces, folder, at, scores, iou=known, test_images=len(splits.test))

    def looking(self, model: nn.Module, machine: Machine) -> Looking:
        """The network as it is used after training: in the run's precision, in tiles."""
        return Looking(model, machine, self.tile, min(self.overlap, self.tile - 1), self.turning)

    def reopened(self, folder: RunFolder) -> tuple[Looking, MaskPipeline, dict[str, Any]]:
        """A finished run's network, how pictures are prepared for it, and what is known of it."""
        model, facts = rebuilt(folder, self)
        machine = machine_of(folder)
        pipeline = self.prepared(facts["mean"], facts["std"], len(facts["classes"]))
        return self.looking(machine.place_module(model), machine), pipeline, facts

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Curves, scores by class, and test pictures beside their masks."""
        if ood:
            self.refuse_second(ood)
        ending = [numbers.settings]
        if not folder.read("model.json"):
            return write_report(folder.path, Facts(), [numbers.training, *ending])
        look, pipeline, _ = self.reopened(folder)
        splits = splits_again(self, folder, data)
        places = torch.linspace(0, len(splits.test) - 1, min(SHOWN, len(splits.test))).long()
        some = splits.test.take(places)
        x, masks = pipeline.eval(some.pixels, some.labels)
        with torch.inference_mode():
            said = torch.where(masks[:, 0] == VOID, VOID, look(x).argmax(1).cpu()).to(torch.uint8)
        sections = [
            numbers.training,
            by_class,
            lambda m: beside(some, said),
            *ending,
        ]
        facts = Facts(splits=splits, model=look.model, scores=self.metrics[:1], unit="images")
        return write_report(folder.path, facts, sections)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Progressing, skip: Skip
    ) -> Iterator[Prediction]:
        """Masks for pictures, written to the run's folder `masks`, and which classes cover how much."""
        look, pipeline, facts = self.reopened(folder)
        return outline(folder.path / "masks", look, pipeline, facts, files, progress, skip)

    def next_step(self, folder: RunFolder) -> str:
        """Masks are what it is for."""
        return command("predict", folder.path, "FILE...")

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Mean intersection over union and the share of right pixels, which the progress line tells as well;
        there a picture is seen once, which is eight times as fast.
        """
        m = result["metrics"]
        views = ", each in eight views (one while training)" if self.turning else ""
        return (
            f" IoU      {curve}{m['test_iou']:.3f}, mean of classes; {100 * m['test_accuracy']:.2f} % "
            f"of pixels right in {result['test_images']:,} test images{views}, {result['seconds']:.1f} s"
        )


def load_backbone(model: TimmUNet, name: str, channels: int, weights: str) -> None:
    """Give a U-Net's way down the weights that a network of timm has learned.

    Args:
        model: its body is `name` without a classifier.
        name: of the network in timm.
        channels: of the pictures.
        weights: a .safetensors file, or "hub" for the published ones.
    Raises:
        UserError: the file is not safetensors, or belongs to another network.
        WorkFailed: the Hub cannot be reached.
    """
    file = backbone.fetched(name) if weights == "hub" else Path(weights)
    # timm names the layers of a body that gives maps by their whole paths: layer1.0 may be layer1_0 there.
    learned = backbone.trained_body(name, channels, {}, file).state_dict()
    known = {key.replace(".", "_"): value for key, value in learned.items()}
    wanted = model.body.state_dict()
    if lost := [key for key in wanted if key.replace(".", "_") not in known]:
        raise UserError(f"{file} has no {lost[0]}", f"weights of {name}", "Name their backbone.")
    model.body.load_state_dict({key: known[key.replace(".", "_")] for key in wanted})
