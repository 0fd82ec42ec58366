"""What an image classifier's run is made of: one frozen dataclass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import torch
import tyro
from pydantic import BeforeValidator, Field, PlainSerializer
from torch import Tensor, nn

from gradschool.data.images import Images, Splits
from gradschool.data.loader import Loader
from gradschool.data.pipeline import Augment, Pipeline
from gradschool.engine.device import Machine, Precision
from gradschool.engine.loop import HeldOut
from gradschool.engine.optim import Name, Optim
from gradschool.engine.schedule import Kind, Schedule
from gradschool.engine.task import Batches
from gradschool.models import catalogue

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
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


@dataclass(frozen=True)
class ImageRun:
    """An image classifier trained on a set or on a folder of class folders."""

    data: str
    """Name of a data set, or path of a folder or zip of class folders."""
    model: ModelFunction
    """Which network: the name of a size function in gradschool.models, e.g. resnet18."""
    epochs: Positive = 10.0
    """Passes over the training images."""
    batch_size: Count = 128
    """Images a step, over all processes together."""
    optimizer: Name = "adamw"
    """Method that turns gradients into steps."""
    learning_rate: Positive = 1e-3
    """Base (peak) learning rate."""
    momentum: Share = 0.9
    """For momentum, nesterov, rmsprop and muon."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Pull of the weights towards zero; biases and normalisation gains are spared."""
    schedule: Kind = "one_cycle"
    """Course of the learning rate."""
    warmup: Share = 0.2
    """Share of the run in which the rate rises."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""
    ema: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Decay of averaged weights, e.g. 0.999."""
    clip: Positive | None = None
    """Largest gradient norm."""
    accumulate: Count = 1
    """Micro-batches a step: the same result in less memory."""
    balance: bool = False
    """Weigh rare classes up in the loss."""
    image_size: Count | None = None
    """Side in pixels to which images are decoded; their own where they all agree, else 64."""
    sizes: tuple[tuple[float, int], ...] = ()
    """Progressive resizing: (from which share of the run, side in pixels), ...; empty for none."""
    test_size: Count | None = None
    """Side in pixels for testing and predicting; the last training size if not given."""
    augment: Augment = field(default_factory=Augment)
    """Random changes of the training images."""
    flip_test: bool = False
    """Average the answer over an image and its mirror image when testing."""
    val: Share = 0.1
    """Share of the training images held out to choose by, where the set brings no validation part."""
    keep: Literal["last", "best"] = "last"
    """Which weights the run ends with: the last, or the best on the validation part."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Stop after so many epochs without improvement; 0 never."""
    evaluations: Count | None = None
    """How often to look at the validation part in all; once an epoch if not given."""
    save_every: Annotated[float, Field(ge=0)] = 60.0
    """Seconds between checkpoints."""
    shard: bool = False
    """Share the weights out over all processes, for models too large for one device (needs torchrun)."""
    tensorboard: bool = False
    """Write TensorBoard events as well."""
    precision: Precision = "auto"
    """Arithmetic: what is fastest and safe here, or one by name."""
    compile: bool = False
    """Let torch.compile fuse the model's kernels; on CUDA only, where minutes of compiling pay."""
    threads: Count | None = None
    """Processor threads; as many as cores if not given. Tiny networks are faster with one."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. {"width": 32}."""

    def optim(self) -> Optim:
        """The optimiser's settings."""
        return Optim(self.optimizer, self.learning_rate, self.weight_decay, self.momentum)

    def rate_schedule(self) -> Schedule:
        """The schedule's settings."""
        return Schedule(self.schedule, self.warmup)

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def side(self) -> int | None:
        """Pixels to which image files are decoded; None keeps them where they all agree."""
        return self.image_size

    def notes(self) -> list[str]:
        """Sentences that a person should read before the run."""
        return []

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """A freshly initialised model; the caller has seeded torch's generator."""
        return self.model(classes, channels, **self.model_options)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model that training starts from; recipes that begin with more than chance begin here."""
        return self.build_model(len(images.classes), images.pixels.shape[1])

    def feed(
        self, model: nn.Module, batches: Loader, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """What is trained, and on what: here the whole model, on images."""
        return model, batches, held_out

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
