"""A classifier of pictures at their own sizes: patches of several pictures share a row of a transformer.

Source: Dehghani et al. 2023 (NaViT), section 2.1. A picture is neither cut nor stretched; one with a side
longer than a limit is made smaller in its own proportions.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.vision.decode import Unreadable
from gradschool.data.vision.leaks import warning
from gradschool.data.vision.sized.images import SizedImages, open_sized, shrunk
from gradschool.data.vision.sized.rows import Batch, PackedBatches, Packing, in_order, statistics
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut, Progress
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.classification.metrics import negative_log_likelihood, wilson
from gradschool.evals.files import Prediction, pictures_in
from gradschool.evals.inference import evaluating
from gradschool.evals.metric import ACCURACY, LOSS, Metric
from gradschool.evals.report import classes, looks, numbers
from gradschool.evals.report.classes import ClassFacts
from gradschool.evals.report.page import write_report
from gradschool.models import catalogue
from gradschool.phrases import command
from gradschool.runs.ensembles.folded import FoldedRun
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.kind import Progress as Done
from gradschool.runs.kind import Skip
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.request import Request
from gradschool.runs.run import Count, Pieces, Share, share_of_processes
from gradschool.runs.settings import ByName, make_model
from gradschool.tasks.classify import Classify

ModelFunction = Annotated[Callable[..., nn.Module], ByName("classes")]


@dataclass(frozen=True, kw_only=True)
class NativeRun(FoldedRun):
    """A classifier trained on a folder or zip of class folders whose pictures keep their sizes."""

    kind: ClassVar[str] = "native_classifier"
    title: ClassVar[str] = "a classifier of pictures at their own sizes"
    ensemble: ClassVar[str] = "native_ensemble"
    examples: ClassVar[str] = "images"
    takes: ClassVar[str] = "a folder or zip of class folders"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(ACCURACY.name, ACCURACY.title, "share", "higher", "of the test images"),
        Metric(LOSS.name, LOSS.title, "nats", note="cross-entropy"),
    )

    model: ModelFunction
    """Which network: one that takes rows of patches, packed_vit."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.width=96."""
    patch: Annotated[int, Field(ge=2)] = 8
    """Side of a patch in pixels."""
    longest: Count = 96
    """Side in pixels beyond which a picture is made smaller, in its own proportions."""
    flip: bool = True
    """Mirror half of the training pictures."""
    label_smoothing: Share = 0.0
    """Share of the target that is spread over all classes."""

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def open(self, seed: int, data: str | None = None) -> Splits[SizedImages]:
        """The pictures; `data` says where they lie now, if they moved."""
        place = data or self.data
        return self.held_out(lambda chosen, val: open_sized(place, self.longest, val, chosen), seed)

    def contents(self, splits: Splits[SizedImages]) -> str:
        """Name and counts of a set, its classes and sizes."""
        high, low = splits.train.sizes.amax(0).tolist(), splits.train.sizes.amin(0).tolist()
        sizes = f"{low[1]}x{low[0]} to {high[1]}x{high[0]}"
        return f"{super().contents(splits)} images · {len(splits.train.classes)} classes, sizes {sizes}"

    def warnings(self, splits: Splits[SizedImages]) -> list[str]:
        """Pictures of one part that lie in another, too."""
        leak = warning(splits)
        return [leak] if leak else []

    def pipeline(self, images: SizedImages) -> Packing:
        """How pictures become rows of patches: normalised by the training part's own mean and deviation."""
        return self.packing(*statistics(images))

    def packing(self, mean: Sequence[float], std: Sequence[float]) -> Packing:
        """The same with a mean and a deviation that are known already; a row has room for any picture."""
        return Packing(
            self.patch, math.ceil(self.longest / self.patch) ** 2, tuple(mean), tuple(std), self.flip
        )

    def start_model(self, images: SizedImages, packing: Packing) -> nn.Module:
        """The model with random weights."""
        return self.build(len(images.classes))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build(len(facts["classes"]))

    def build(self, count: int) -> nn.Module:
        """A freshly initialised model for so many classes.

        Raises:
            UserError: the network takes no rows of patches, or accumulation is asked for, which cuts batches
                between pictures.
        """
        if self.accumulate > 1:
            what = f"accumulate is {self.accumulate}"
            raise UserError(what, "1: a row of patches cannot be cut", "Set a smaller batch_size.")
        if "patch" in inspect.signature(self.model).parameters:
            options = {"patch": self.patch, **self.model_options}
            made = make_model(self.model, count, 3, options=options)
            if hasattr(made, "packed"):
                return made
        what = f"{self.network()} takes no pictures of different sizes"
        raise UserError(what, "a network that does", "Set it: --set model=packed_vit")

    def task(self, model: nn.Module, splits: Splits[SizedImages], held_out: str) -> Classify:
        """Cross-entropy on the labels."""
        return Classify(model, self.label_smoothing, None, held_out)

    def loader(
        self, splits: Splits[SizedImages], packing: Packing, request: Request, machine: Machine
    ) -> PackedBatches:
        """Training pictures in a new order every epoch; several processes share every batch."""
        return PackedBatches(splits.train, self.batch_size, request.seed, packing, share_of_processes())

    def evaluation(self, splits: Splits[SizedImages], packing: Packing) -> HeldOut:
        """The pictures of the validation part, or of the test part without one."""
        return partial(in_order, splits.val or splits.test, packing, self.batch_size)

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights once on the test part; write the record."""
        splits, packing, machine = pieces.splits, pieces.pipeline, pieces.stepper.machine
        with final_weights(self, pieces, folder):
            logits = logits_of(pieces.model, in_order(splits.test, packing, self.batch_size), machine)
        known = {"classes": list(splits.train.classes), "mean": packing.mean, "std": packing.std,
                 "parameters": sum(p.numel() for p in pieces.model.parameters())}  # fmt: skip
        folder.write("model.json", known)
        labels = splits.test.labels
        right, most = int((logits.argmax(1) == labels).sum()), int(labels.bincount().argmax())
        scores = {
            "test_accuracy": right / len(labels),
            "test_loss": negative_log_likelihood(logits, labels),
        }
        largest = {"class": splits.test.classes[most], "share": float((labels == most).float().mean())}
        write_result(self, pieces, folder, at, scores, interval=wilson(right, len(labels)), baseline=largest)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """Test accuracy with its interval, beside that of always answering the largest class."""
        (low, high), largest = result["interval"], result["baseline"]
        test = result["metrics"]["test_accuracy"]
        return (
            f" accuracy {curve}{100 * test:.1f} % of {result['tested']:,} test images "
            f"[{100 * low:.1f}, {100 * high:.1f}] in {result['seconds']:.1f} s"
            f"\n baseline {100 * largest['share']:.1f} % are {largest['class']}, the largest class"
        )

    def reopened(self, folder: RunFolder) -> tuple[nn.Module, Packing, dict[str, Any]]:
        """The trained model on the run's machine, how pictures are packed, and the facts of model.json."""
        model, facts = rebuilt(folder, self)
        placed = machine_of(folder).place_module(model)
        return placed, self.packing(facts["mean"], facts["std"]), facts

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Scores of classes, confusion, mistakes, curves."""
        if ood:
            self.refuse_second(ood)
        facts = ClassFacts()
        if folder.read("result.json"):
            model, packing, _ = self.reopened(folder)
            splits = splits_again(self, folder, data)
            batches = in_order(splits.test, packing, self.batch_size)
            facts = ClassFacts(splits, test_logits=logits_of(model, batches, machine_of(folder)))
        order = [
            classes.classes, classes.confused, looks.mistakes, numbers.training, numbers.rate,
            numbers.settings,
        ]  # fmt: skip
        return write_report(folder.path, facts, order)

    def predict(
        self, folder: RunFolder, files: Sequence[Path], top: int, progress: Done, skip: Skip
    ) -> Iterator[Prediction]:
        """The most probable classes of pictures of any size."""
        model, packing, facts = self.reopened(folder)
        machine, names = machine_of(folder), facts["classes"]
        found, done = pictures_in(files), 0
        for number, file in enumerate(found, 1):
            try:
                pixels = torch.from_numpy(shrunk(file.read_bytes(), self.longest)[0].copy())
            except (Unreadable, OSError) as reason:
                skip(file, str(reason))
                continue
            batch = packing.rows([pixels.permute(2, 0, 1)], torch.zeros(1, dtype=torch.int64))
            best = logits_of(model, iter([batch]), machine)[0].softmax(0).topk(min(top, len(names)))
            pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
            yield Prediction(file, [(names[i], share) for i, share in pairs])
            done += 1
            progress(number, len(found))
        if not done:
            raise WorkFailed("no picture could be read", "pictures such as JPEG or PNG", "")

    def said(self, folder: RunFolder, examples: SizedImages) -> Tensor:
        """The logits of a finished run for pictures at their own sizes."""
        model, packing, _ = self.reopened(folder)
        return logits_of(model, in_order(examples, packing, self.batch_size), machine_of(folder))

    def next_step(self, folder: RunFolder) -> str:
        """Pictures are what it is for."""
        return command("predict", folder.path, "FILE...")


@torch.no_grad()
def logits_of(model: nn.Module, batches: Iterator[Batch], machine: Machine) -> Tensor:
    """The float32 logits of all batches, on the CPU, in order."""
    with evaluating(model), machine.autocast():
        found = [model(*(machine.place(each) for each in rows)).float().cpu() for *rows, _ in batches]
    return torch.cat(found)
