"""What all runs share that learn an encoder of pictures without labels.

Labels are looked at only to say how good the features are: pictures of the test part get the class of their
nearest neighbours in the training part.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn

import torch
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.examples import Splits
from gradschool.data.rows import seeded
from gradschool.data.vision.images import Images
from gradschool.data.vision.pictures import open_pictures
from gradschool.data.vision.statistics import channel_statistics
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.seeds import mix
from gradschool.engine.task import Batch
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.evals.metric import LOSS, Metric
from gradschool.evals.report import numbers, representation, samples
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, SectionOf
from gradschool.evals.report.page import write_report
from gradschool.models import catalogue
from gradschool.phrases import command, hanging
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, share_of_processes
from gradschool.runs.settings import ByName
from gradschool.runs.vision.bodies import encoder
from gradschool.runs.vision.pictures import PictureRun

KNN = Metric(
    "knn_accuracy", "accuracy of neighbours", "share", "higher", "of the test pictures, by their neighbours"
)
SPREAD = Metric("spread", "spread of outputs", "", "higher", "0 after a collapse, 1 if even")
COLLAPSED = 0.1  # spread below which all outputs are as good as one

ModelFunction = Annotated[Callable[..., nn.Module], ByName("classes")]


@dataclass(frozen=True, kw_only=True)
class EncoderRun(PictureRun):
    """An encoder of pictures that is learnt without labels."""

    title: ClassVar[str] = "an encoder learnt without labels"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS, KNN, SPREAD)
    validates: ClassVar[bool] = False  # losses of two settings measure different tasks

    model: ModelFunction
    """Which encoder: a network that classifies, by name; its last layer is left off."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.width=32."""
    size: Count | None = None
    """Side in pixels that is trained on; as stored if not given."""
    augment: Augment = field(default_factory=Augment)
    """Random changes of the training pictures."""
    bank: Count = 2000
    """Training pictures at most among which neighbours are looked for, and held-out ones that look."""
    neighbours: Count = 20
    """Neighbours that vote."""

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures, with classes or without."""
        return open_pictures(data or self.data, size=self.side(), val=self.val, seed=seed)

    def loader(self, splits: Splits[Images], pipeline: Any, request: Request, machine: Machine) -> Any:
        """Training batches.

        Raises:
            UserError: several processes are to share a batch that may not be cut.
        """
        if self.whole_batches and (world := share_of_processes()[1]) > 1:
            raise UserError(f"{world} processes share a batch", f"one: {self.whole_batches}", "")
        return super().loader(splits, pipeline, request, machine)

    def prepared(self, mean: Sequence[float], std: Sequence[float]) -> Pipeline:
        """How pixels become the encoder's input, and what is changed in training."""
        sizes = ((0.0, self.size),) if self.size else ()
        return Pipeline(tuple(mean), tuple(std), self.augment, sizes)

    def pipeline(self, images: Images) -> Pipeline:
        """Normalised by the training pictures' own mean and deviation."""
        return self.prepared(*channel_statistics(images))

    def options(self, side: int) -> dict[str, Any]:
        """Of the model function; the side of the pictures where it has to know it."""
        knows = "side" in inspect.signature(self.model).parameters
        return {"side": side, **self.model_options} if knows else dict(self.model_options)

    def network(self) -> str:
        """The encoder's name, for people."""
        return catalogue.name_of(self.model)

    def built(self, body: Any, width: int) -> nn.Module:
        """What is trained around an encoder whose features are `width` numbers."""
        raise NotImplementedError

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The encoder with random weights, and what is trained around it.

        Raises:
            UserError: a batch is to be cut that may not be.
        """
        if self.whole_batches and self.accumulate > 1:
            advice = "Use a smaller batch_size, or --set recompute=true."
            raise UserError(f"accumulate is {self.accumulate}", f"1: {self.whole_batches}", advice)
        side = self.size or images.pixels.shape[-1]
        body, width = encoder(self.model, images.pixels.shape[1], self.options(side))
        return self.built(body, width)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """What a finished run keeps, before its weights."""
        body, width = encoder(self.model, facts["channels"], self.options(facts["input"][-1]))
        return self.stored(self.built(body, width))

    def bank_of(self, splits: Splits[Images]) -> HeldOut | None:
        """Training pictures and their classes, as the encoder sees them; None where there are no classes."""
        if len(splits.train.classes) < 2:
            return None
        return lambda: self.seen(some(splits.train, self.bank), self.pipeline(splits.train), False)

    def evaluation(self, splits: Splits[Images], pipeline: Pipeline) -> HeldOut:
        """Held-out pictures, and what the loss takes of them; the same each time."""
        return partial(self.seen, some(splits.val or splits.test, self.bank), pipeline, True)

    def seen(self, images: Images, pipeline: Pipeline, whole: bool) -> Iterator[Batch]:
        """Pictures as they are with their classes and, where `whole`, what the loss takes of them."""
        count = max(1, -(-len(images) // max(4, self.batch_size)))
        for number, index in enumerate(torch.arange(len(images)).tensor_split(count)):
            x, y = pipeline.eval(images.pixels[index], images.labels[index])
            given = self.given(images.pixels[index], x, pipeline, seeded("held out", number)) if whole else ()
            yield x, y, *given

    def given(self, pixels: Tensor, x: Tensor, pipeline: Pipeline, generator: torch.Generator) -> Batch:
        """What the loss takes of held-out pictures, as stored and as the encoder sees them."""
        raise NotImplementedError

    def collapsed(self, scores: dict[str, float]) -> str:
        """The sentence about a representation that says the same of all pictures; "" for one that does not.

        Args:
            scores: of the test part.
        """
        found = scores.get("test_spread", 1.0)
        if found >= COLLAPSED:
            return ""
        return (
            f"the representation has collapsed: outputs of different pictures have a spread of {found:.3f} "
            f"(even: 1), so nearly all pictures look alike to it."
        )

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights on the test part; write them with what is known of them."""
        splits, stepper = pieces.splits, pieces.stepper
        with final_weights(self, pieces, folder), torch.inference_mode():
            for module in stepper.modules.values():
                module.eval()
            test = some(splits.test, self.bank)
            batches = stepper.machine.placed(self.seen(test, pieces.pipeline, True))
            found = pieces.task.evaluate(batches)
            scores = {f"test_{name.partition('_')[2]}": value for name, value in found.items()}
            folder.write("model.json", self.described(splits.train, pieces))
        facts = {"test_images": len(test), "collapsed": self.collapsed(scores)}
        write_result(self, pieces, folder, at, scores, **facts, untrained=self.untrained(pieces, test))

    def untrained(self, pieces: Pieces, test: Images) -> float | None:
        """The accuracy of neighbours with the weights that the run began with; None without classes.

        Random networks tell many pictures apart, so training has to be compared with none.
        """
        machine, splits = pieces.stepper.machine, pieces.splits
        torch.manual_seed(mix(pieces.plan.seed))
        model = machine.place_module(self.start_model(splits.train, pieces.pipeline)).eval()
        with torch.inference_mode():
            batches = machine.placed(self.seen(test, pieces.pipeline, True))
            scores = self.task(model, splits, "test").evaluate(batches)
        return scores.get("test_knn_accuracy")

    def described(self, images: Images, pieces: Pieces) -> dict[str, Any]:
        """What model.json holds: all that is needed to show the encoder another picture."""
        _, channels, height, width = images.pixels.shape
        seen, _ = pieces.pipeline.eval(images.pixels[:1], images.labels[:1])
        return {
            "classes": list(images.classes), "channels": channels, "height": height, "width": width,
            "mean": list(pieces.pipeline.mean), "std": list(pieces.pipeline.std),
            "input": list(seen.shape[1:]),
            "parameters": sum(p.numel() for p in pieces.model.parameters() if p.requires_grad),
        }  # fmt: skip

    def sections(self, model: Any, splits: Splits[Images], pipeline: Pipeline) -> Sequence[Section | None]:
        """Further sections of the report."""
        return []

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Curves, nearest neighbours of a few pictures, and what else a kind of encoder has to show."""
        if ood:
            self.refuse_second(ood)
        standard: list[SectionOf] = [numbers.training]
        if not folder.read("model.json"):
            return write_report(folder.path, Facts(), [*standard, numbers.settings])
        model: Any
        model, known = rebuilt(folder, self)
        model = machine_of(folder).place_module(model)
        splits = splits_again(self, folder, data)
        pipeline = self.prepared(known["mean"], known["std"])
        with torch.inference_mode():
            near = representation.neighbours(model.body, pipeline, some(splits.train, self.bank), splits.test)
            own = [near, *self.sections(model, splits, pipeline)]
        result = folder.read("result.json")
        told, before = result.get("collapsed", ""), result.get("untrained")
        knn = replace(KNN, note=f"before training {100 * before:.1f} %") if before is not None else KNN
        facts = Facts(splits, model, [told] if told else [], [knn, LOSS, SPREAD], "images")
        sections = [*standard, *[lambda _, section=section: section for section in own]]
        return write_report(folder.path, facts, [*sections, samples.parts, numbers.settings])

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the encoder, pictures to features, as ONNX and check it."""
        model: Any
        model, facts = rebuilt(folder, self)
        known = {name: facts[name] for name in ("mean", "std")}
        example = torch.zeros(2, *facts["input"])
        return export_onnx(model.body, example, out or folder.path / "model.onnx", known)

    def cannot(self, what: str, folder: RunFolder) -> NoReturn:
        """Refuse what needs classes, and say how a classifier comes of an encoder.

        Raises:
            UserError: always.
        """
        advice = f"A classifier starts from it: {command('train from_encoder --set', f'start={folder.path}')}"
        raise UserError(f"{folder.path} is {self.title}, which cannot {what}", "", advice)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """How many test pictures their neighbours classify; loss, spread and time."""
        scores = result["metrics"]
        told = f" loss     {curve}{scores['test_loss']:.4g} in {result['seconds']:.1f} s"
        if "test_knn_accuracy" in scores:
            told += (
                f"\n features neighbours know the class of {100 * scores['test_knn_accuracy']:.1f} % of "
                f"{result['test_images']:,} test images (before training: {100 * result['untrained']:.1f} %)"
            )
        return f"{told}\n{hanging(' note     ', result['collapsed'])}" if result["collapsed"] else told

    def next_step(self, folder: RunFolder) -> str:
        """A classifier is what it is for."""
        return command("train from_encoder --set", f"start={folder.path}")


def some(images: Images, most: int) -> Images:
    """At most so many pictures, spread evenly."""
    if len(images) <= most:
        return images
    return images.take(torch.linspace(0, len(images) - 1, most).long())
