"""An image classifier's run: its settings, its network and task, and how it ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
import tyro
from pydantic import BeforeValidator, PlainSerializer
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.models import catalogue
from gradschool.runs.run import Count, Pieces, Run, Share
from gradschool.runs.settings import make_model
from gradschool.tasks.classify import Classify

ModelFunction = Annotated[
    Callable[..., nn.Module],
    BeforeValidator(lambda value: catalogue.find(value) if isinstance(value, str) else value),
    PlainSerializer(catalogue.name_of, return_type=str),
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="MODEL",
        instance_from_str=lambda words: catalogue.find(words[0]),
        is_instance=callable,
        str_from_instance=lambda function: [catalogue.name_of(function)],
    ),
]


@dataclass(frozen=True, kw_only=True)
class ImageRun(Run):
    """An image classifier trained on a set or on a folder of class folders."""

    monitor: ClassVar[tuple[str, bool]] = ("val_accuracy", True)

    model: ModelFunction
    """Which network: the name of a size function in gradschool.models, e.g. resnet18."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    balance: bool = False
    """Weigh rare classes up in the loss."""
    sizes: tuple[tuple[float, int], ...] = ()
    """Progressive resizing: (from which share of the run, side in pixels), ...; empty for none."""
    test_size: Count | None = None
    """Side in pixels for testing and predicting; the last training size if not given."""
    augment: Augment = field(default_factory=Augment)
    """Random changes of the training images."""
    flip_test: bool = False
    """Average the answer over an image and its mirror image when testing."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. {"width": 32}."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """A freshly initialised model; the caller has seeded torch's generator."""
        return make_model(self.model, classes, channels, options=self.model_options)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The network of a finished run, before its weights."""
        return self.build_model(len(facts["classes"]), facts["channels"])

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model that training starts from; recipes that begin with more than chance begin here."""
        return self.build_model(len(images.classes), images.pixels.shape[1])

    def task(self, model: nn.Module, splits: Splits, held_out: str) -> Classify:
        """Cross-entropy on the labels."""
        weights = class_weights(splits) if self.balance else None
        return Classify(model, self.label_smoothing, weights, held_out)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Test once, and write what predicting and reporting need."""
        from gradschool.runs.finish import finish

        finish(self, pieces, folder, at)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Write report.html; see `recipes.report`."""
        from gradschool.runs.classification.report import report

        return report(folder, ood, data)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Test accuracy with its interval."""
        low, high = result["interval"]
        return (
            f" accuracy {curve}{100 * result['metrics']['test_accuracy']:.1f} % of {result['test_images']:,} "
            f"test images [{100 * low:.1f}, {100 * high:.1f}] in {result['seconds']:.1f} s"
        )

    def pipeline(self, images: Images) -> Pipeline:
        """How pixels become the model's input: normalised by the training images' own mean and deviation."""
        mean, std = channel_statistics(images)
        return self.prepared(mean, std, len(images.classes))

    def prepared(self, mean: Sequence[float], std: Sequence[float], classes: int) -> Pipeline:
        """The same with a mean and a deviation that are known already, e.g. from a finished run."""
        return Pipeline(tuple(mean), tuple(std), self.augment, self.sizes, classes, self.test_size)


def channel_statistics(images: Images, sample: int = 2048) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, of pixels scaled to 0..1, over evenly spaced images.

    Args:
        images: the training split.
        sample: at most so many images are read; the error of the mean is below a hundredth of a deviation.
    """
    index = torch.linspace(0, len(images) - 1, min(sample, len(images))).long()
    pixels = images.pixels[index].float() / 255
    std, mean = torch.std_mean(pixels, dim=(0, 2, 3))
    return tuple(mean.tolist()), tuple(std.clamp_min(1e-3).tolist())


def class_weights(splits: Splits) -> Tensor:
    """Weights that give every class the same share of the loss; their mean over the training images is 1."""
    counts = splits.train.labels.bincount(minlength=len(splits.train.classes)).clamp_min(1)
    return len(splits.train) / (len(counts) * counts.float())
