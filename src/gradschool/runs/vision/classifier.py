"""A run that gives every picture a class: its settings, network and task, its end, its look at others.

What a person asks of a classifier is in `runs.classification`; generators are judged by one as well.
"""

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import torch
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.few import with_labels
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.statistics import channel_statistics, class_weights
from gradschool.engine.device import Machine
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.evals.classification.adapt import adapted, normalisations
from gradschool.evals.classification.metrics import negative_log_likelihood, wilson
from gradschool.evals.classifier import Classifier
from gradschool.evals.inference import collect
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.models import catalogue
from gradschool.phrases import hanging
from gradschool.runs.ensembles.folded import FoldedRun
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.reopen import machine_of
from gradschool.runs.run import Count, Pieces, Share
from gradschool.runs.settings import ByName, make_model
from gradschool.runs.vision.frompixels import FromPixels
from gradschool.runs.vision.pictures import PictureRun
from gradschool.tasks.classify import Classify

RARE = 0.8  # share of the largest class from which on the others are so rare that weighing them up may help
GAP = 0.1  # so far may training accuracy lie above the test interval before over-fitting is said
SEEN_AGAIN = 2000  # training images scored once more at the end: enough to see over-fitting

ModelFunction = Annotated[Callable[..., nn.Module], ByName("classes")]


@dataclass(frozen=True, kw_only=True)
class ClassifierRun(FoldedRun, PictureRun):
    """A classifier of pictures; by itself it has no report, and is what others look at pictures with."""

    kind: ClassVar[str] = "eye"
    title: ClassVar[str] = "a classifier of pictures"
    metrics: ClassVar[tuple[Metric, ...]] = (
        replace(ACCURACY, note="of the test images"), replace(LOSS, unit="nats", note="cross-entropy"),
    )  # fmt: skip

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
    """Further arguments of the model function, e.g. --set model_options.width=32."""
    labels: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the training pictures that are labelled and trained on: the same of every class."""

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures, with a fold as the validation part if that is asked for."""
        splits = self.held_out(partial(self.opened, data=data), seed)
        return with_labels(splits, self.labels, seed if self.split_seed is None else self.split_seed)

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def build_model(self, classes: int, channels: int) -> nn.Module:
        """A freshly initialised model; the caller has seeded torch's generator."""
        return make_model(self.model, classes, channels, options=self.model_options)

    def sized(self, side: int) -> Self:
        """The same, where the network is one that has to know the side of its images, in pixels."""
        knows = callable(self.model) and "side" in inspect.signature(self.model).parameters
        return replace(self, model_options={"side": side, **self.model_options}) if knows else self

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The network of a finished run, before its weights."""
        return self.sized(facts["input"][-1]).build_model(len(facts["classes"]), facts["channels"])

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model that training starts from; kinds that begin with more than chance begin here."""
        seen, _ = pipeline.eval(images.pixels[:1], images.labels[:1])
        return self.sized(seen.shape[-1]).build_model(len(images.classes), images.pixels.shape[1])

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Classify:
        """Cross-entropy on the labels."""
        weights = class_weights(splits.train) if self.balance else None
        return Classify(model, self.label_smoothing, weights, held_out)

    def pipeline(self, images: Images) -> Pipeline:
        """How pixels become the model's input: normalised by the training images' own mean and deviation."""
        mean, std = channel_statistics(images)
        return self.prepared(mean, std, len(images.classes))

    def prepared(self, mean: Sequence[float], std: Sequence[float], classes: int) -> Pipeline:
        """The same with a mean and a deviation that are known already, e.g. from a finished run."""
        return Pipeline(tuple(mean), tuple(std), self.augment, self.sizes, classes, self.test_size)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the whole model's final weights on the test part and write them with what is known of them;
        all processes call it. The stepper holds what of the model was trained.
        """
        splits, pipeline, model, machine = (
            pieces.splits,
            pieces.pipeline,
            pieces.model,
            pieces.stepper.machine,
        )
        with final_weights(self, pieces, folder):
            # 1. One look at the test part, and another at some of what was trained on.
            logits, labels = self.answers(model, splits.test, pipeline, machine)
            step = max(1, len(splits.train) // SEEN_AGAIN)
            again = splits.train.take(torch.arange(0, len(splits.train), step))
            seen, known = self.answers(model, again, pipeline, machine)
        # 2. The record.
        folder.write("model.json", self.described(splits.test, pipeline, model))
        right = int((logits.argmax(-1) == labels).sum())
        scores = {
            "test_accuracy": right / len(labels),
            "test_loss": negative_log_likelihood(logits, labels),
            "train_accuracy": float((seen.argmax(-1) == known).float().mean()),
        }
        interval, most = wilson(right, len(labels)), int(labels.bincount().argmax())
        baseline = {"class": splits.test.classes[most], "share": int((labels == most).sum()) / len(labels)}
        write_result(
            self, pieces, folder, at, scores, interval=interval, test_images=len(labels), baseline=baseline
        )

    def answers(
        self, model: nn.Module, images: Images, pipeline: Pipeline, machine: Machine
    ) -> tuple[Tensor, Tensor]:
        """Logits and labels of all images, as the run tests: in its precision, mirrored too if it says so."""
        plain = replace(pipeline, augment=Augment())
        batches = ((machine.place(x), y) for x, y in evaluation_batches(images, plain, 2 * self.batch_size))
        return collect(model, batches, machine.autocast, self.flip_test)

    def said(self, folder: RunFolder, examples: Images) -> Tensor:
        """The logits of a finished run for pictures, computed as the run itself tests."""
        model, facts = rebuilt(folder, self)
        pipeline, machine = (
            self.prepared(facts["mean"], facts["std"], len(facts["classes"])),
            machine_of(folder),
        )
        return self.answers(machine.place_module(model), examples, pipeline, machine)[0]

    def settle(self, folder: RunFolder, examples: Images) -> None:
        """Take the statistics of batch normalisation anew. Source: Izmailov et al. 2018, section 3.2."""
        model, facts = rebuilt(folder, self)
        pipeline = self.prepared(facts["mean"], facts["std"], len(facts["classes"]))
        if normalisations(model):
            batches = (
                x for x, _ in evaluation_batches(examples, pipeline, 2 * self.batch_size) if len(x) > 1
            )
            settled = adapted(model, batches, nullcontext, share=1.0)
            save_file(settled.state_dict(), folder.path / "model.safetensors")

    def from_pixels(self, folder: RunFolder) -> nn.Module:
        """The network with resizing, normalisation and the mirrored second look in front of it."""
        model, facts = rebuilt(folder, self)
        return FromPixels(model, facts)

    def described(self, images: Images, pipeline: Pipeline, model: nn.Module) -> dict[str, Any]:
        """What model.json holds: all that is needed to show the network another picture."""
        _, channels, height, width = images.pixels.shape
        seen, _ = pipeline.eval(images.pixels[:1], images.labels[:1])
        return {
            "classes": list(images.classes), "channels": channels, "height": height, "width": width,
            "mean": list(pipeline.mean), "std": list(pipeline.std), "input": list(seen.shape[1:]),
            "flip": self.flip_test, "parameters": sum(p.numel() for p in model.parameters()),
        }  # fmt: skip

    def classifier(self, folder: RunFolder) -> Classifier:
        """The network with all that it needs to look at a picture."""
        model, facts = rebuilt(folder, self)
        machine = machine_of(folder)
        pipeline = self.prepared(facts["mean"], facts["std"], len(facts["classes"]))

        def transform(pixels: Tensor) -> Tensor:
            x, _ = pipeline.eval(pixels, torch.zeros(len(pixels), dtype=torch.int64))
            return machine.place(x)

        return Classifier(
            machine.place_module(model), facts["classes"], transform, facts["channels"], facts["height"],
            facts["width"], machine.autocast, facts["flip"],
        )  # fmt: skip

    def in_words(self, folder: RunFolder) -> str:
        """What the network is, what it has learnt, how well, and which layer is compared."""
        accuracy = folder.read("result.json")["metrics"]["test_accuracy"]
        return (
            f"{self.network()} of {folder.path.name}, trained on {Path(self.data).name} "
            f"({100 * accuracy:.1f} % on its test part), features before its last layer"
        )

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Test accuracy with its interval, beside that of always answering the largest class."""
        (low, high), test = result["interval"], result["metrics"]["test_accuracy"]
        train = result["metrics"].get("train_accuracy", 0.0)
        told = (
            f" accuracy {curve}{100 * test:.1f} % of {result['test_images']:,} "
            f"test images [{100 * low:.1f}, {100 * high:.1f}] in {result['seconds']:.1f} s"
        )
        if "baseline" in result:
            told += said_of_baseline(result["baseline"], test)
        return f"{told}\n{hanging(' note     ', overfits(test, train))}" if train - high > GAP else told


def said_of_baseline(baseline: dict[str, Any], accuracy: float) -> str:
    """A line that says how often the largest class alone is right, and whether the network is no better."""
    told = f"\n baseline {100 * baseline['share']:.1f} % are {baseline['class']}, the largest class"
    if accuracy > baseline["share"]:
        return told
    advice = ". Look at macro F1 in the report, and try --set balance=true" * (baseline["share"] > RARE)
    return f"{told}: always answering it is as good{advice}"


def overfits(test: float, train: float) -> str:
    """The sentence about a run that knows its training pictures far better than others; shares of 0 to 1."""
    return (
        f"over-fitting: {100 * train:.1f} % of the training pictures are right and {100 * test:.1f} % of the "
        "test pictures. More pictures, stronger changes of them (--set augment.flip=true) or "
        "a network that has learnt elsewhere help."
    )
