"""What every recipe shares that trains on pictures through the engine: settings, and how the pieces meet.

A kind of run (`ImageRun`, ...) fills in the model, the task, how it ends and what its report says.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.optim import Optimizer

from gradschool.data.catalogue import open_set
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.leaks import warning
from gradschool.data.vision.loader import Loader, evaluation_batches
from gradschool.data.augment.pipeline import Pipeline
from gradschool.engine.device import Machine, Precision, told
from gradschool.engine.log import Hook
from gradschool.engine.loop import HeldOut, Plan, Progress
from gradschool.engine.optim import Name, Optim, make_optimizer, parameter_groups, with_base_rates
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Kind, Schedule
from gradschool.engine.seeds import mix
from gradschool.engine.shard import shard
from gradschool.engine.task import Batches, Task
from gradschool.engine.update import Stepper, Stepping
from gradschool.nn.optim import plain_optimizer

Say = Callable[[str], None]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Request:
    """What the person who starts a run asks for besides the recipe's settings.

    Args:
        recipe: the recipe's name.
        seed: of split, initialisation, order and augmentation.
        steps: train so many steps in place of the recipe's epochs.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        out: folder of the new run; None takes the next free one under runs/.
        checkpoint: which checkpoint a resumed run starts from.
        plain: train with the plain ops in place of their fast twins.
        mine: the learner's functions that are in force: exercise, target, file, sha256 and lines of each.
    """

    recipe: str
    seed: int = 0
    steps: int | None = None
    device: str = "auto"
    out: Path | None = None
    checkpoint: str = "last"
    plain: bool = False
    mine: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Pieces:
    """What a run is made of, put together but not yet started; `seconds` were spent on it by `run.feed`, and
    `say` is told what a person should read while it goes on.
    """

    splits: Splits
    pipeline: Pipeline
    model: nn.Module
    task: Task
    batches: Batches
    held_out: HeldOut
    stepper: Stepper
    plan: Plan
    seconds: float
    say: Say


@dataclass(frozen=True, kw_only=True)
class Run:
    """Settings that all runs on pictures have; a kind of run adds its own."""

    monitor: ClassVar[tuple[str, bool]] = ("val_loss", False)  # the score that chooses, and if more is better

    data: str
    """Name of a data set, or path of a folder or zip of class folders."""
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
    ema: Share | None = None
    """Decay of averaged weights, e.g. 0.999."""
    clip: Positive | None = None
    """Largest gradient norm."""
    accumulate: Count = 1
    """Micro-batches a step: the same result in less memory."""
    image_size: Count | None = None
    """Side in pixels to which images are decoded; their own where they all agree, else 64."""
    val: Share = 0.1
    """Share of the training images held out to choose by, where the set brings no validation part."""
    keep: Literal["last", "best"] = "last"
    """Which weights the run ends with: the last, or the best on the validation part."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Stop after so many epochs without improvement; 0 never."""
    evaluations: Count | None = None
    """How often to look at the validation part in all; once an epoch if not given."""
    save_every: Annotated[float, Field(ge=0)] = 60.0
    """Seconds between checkpoints; early on after 5, 10, 20, 40 s."""
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

    def network(self) -> str:
        """The network's name, for people."""
        raise NotImplementedError

    def pipeline(self, images: Images) -> Pipeline:
        """How stored pixels become what the model is fed."""
        raise NotImplementedError

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model that training starts from; the caller has seeded torch's generator."""
        raise NotImplementedError

    def task(self, model: nn.Module, splits: Splits, held_out: str) -> Task:
        """What is optimised; `held_out` is the word before its scores, "val" or "test"."""
        raise NotImplementedError

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model that model.json describes, before its weights."""
        raise NotImplementedError

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """Observers of every logged line that this kind of run brings along."""
        return []

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights once on the test part; write result.json, model.json and the weights."""
        raise NotImplementedError

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Write report.html for a run of this kind."""
        raise NotImplementedError

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """What was reached, in one line for the terminal; `curve` is a row of bars to put into it."""
        raise NotImplementedError

    def next_step(self, folder: RunFolder) -> str:
        """The command to try next."""
        return f"gradschool predict {folder.path} FILE..."

    def optim(self) -> Optim:
        """The optimiser's settings."""
        return Optim(self.optimizer, self.learning_rate, self.weight_decay, self.momentum)

    def rate_schedule(self) -> Schedule:
        """The schedule's settings."""
        return Schedule(self.schedule, self.warmup)

    def side(self) -> int | None:
        """Pixels to which image files are decoded; None keeps them where they all agree."""
        return self.image_size

    def notes(self) -> list[str]:
        """Sentences that a person should read before the run."""
        return []

    def open(self, seed: int, data: str | None = None) -> Splits:
        """The pictures; `data` says where they lie now, if they moved."""
        return open_set(data or self.data, size=self.side(), val=self.val, seed=seed)

    def loader(self, splits: Splits, pipeline: Pipeline, request: Request, machine: Machine) -> Loader:
        """Training batches; several processes share every batch."""
        share = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        return Loader(
            splits.train, self.batch_size, request.seed, pipeline, share=share, device=machine.device
        )

    def evaluation(self, splits: Splits, pipeline: Pipeline) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        return partial(evaluation_batches, splits.val or splits.test, pipeline, 2 * self.batch_size)

    def feed(
        self, model: nn.Module, batches: Loader, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """What is trained, and on what: here the whole model, on images."""
        return model, batches, held_out

    def assemble(self, request: Request, machine: Machine, say: Say) -> Pieces:
        """Open the data, build the model, and wire both to the engine."""
        # 1. Data.
        splits = self.open(request.seed)
        describe_data(splits, self, request, machine, say)
        pipeline = self.pipeline(splits.train)
        batches = self.loader(splits, pipeline, request, machine)
        steps = request.steps or max(1, round(self.epochs * len(batches)))
        batches = batches.for_steps(steps)
        # 2. The model, from the seed alone.
        torch.manual_seed(mix(request.seed))
        model = machine.place_module(self.start_model(splits.train, pipeline))
        # 3. What of it is trained, and on what.
        start = time.monotonic()
        trained, fed, held_out = self.feed(model, batches, self.evaluation(splits, pipeline), machine)
        seconds = time.monotonic() - start
        task = self.task(trained, splits, "val" if splits.val is not None else "test")
        if self.compile and machine.device.startswith("cuda"):
            for part in task.parts.values():
                part.compile()
        # 4. The engine.
        if self.shard:
            for part in task.parts.values():
                shard(part, machine.device)
        optim = self.optim()
        optimizers = {name: optimizer_for(part, optim, request.plain) for name, part in task.parts.items()}
        how = Stepping(self.rate_schedule(), self.accumulate, self.clip, self.ema)
        plan = plan_of(self, request, steps, len(batches), splits.val is not None)
        stepper = Stepper(task, optimizers, machine, how)
        return Pieces(splits, pipeline, model, task, fed, held_out, stepper, plan, seconds, say)


def plan_of(run: Run, request: Request, steps: int, per_epoch: int, chooses: bool) -> Plan:
    """When to look up and when to stop; `chooses` says that there is a validation part to choose by."""
    evaluations = run.evaluations or max(1, round(steps / per_epoch))
    monitor, is_higher_better = run.monitor
    patience = run.patience if chooses else 0
    every = max(1, steps // evaluations)
    return Plan(
        steps, request.seed, every, run.save_every, monitor if chooses else None, is_higher_better, patience
    )


def optimizer_for(model: nn.Module, optim: Optim, plain: bool) -> Optimizer:
    """Torch's optimiser of that name, or the plain one (Muon is always ours: torch's knows matrices only)."""
    if not plain and optim.name != "muon":
        return make_optimizer(model, optim)
    groups = parameter_groups(model, optim)
    made = plain_optimizer(groups, optim.name, optim.learning_rate, optim.momentum, optim.betas)
    return with_base_rates(made)


def describe_data(splits: Splits, run: Run, request: Request, machine: Machine, say: Say) -> None:
    """Say what is trained on what, and what a person should know of the data."""
    say(f"{request.recipe} · {run.network()} · {contents(splits)} · seed {request.seed}")
    say(told(machine))
    leak = warning(splits) if splits.train.names else ""  # published sets are what they are
    for note in [*splits.notes, *run.notes(), *idle(splits, run), *([leak] if leak else [])]:
        say(note)
    if splits.skipped:
        file, reason = splits.skipped[0]
        more = f"; {len(splits.skipped) - 1} more in skipped.txt" if len(splits.skipped) > 1 else ""
        say(f"{len(splits.skipped)} files could not be read and are left out ({file}: {reason}{more}).")


def idle(splits: Splits, run: Run) -> list[str]:
    """Settings that choose by a validation part where there is none, in a sentence."""
    chooses = {"patience": run.patience > 0, "keep=best": run.keep == "best",
               "schedule=plateau": run.schedule == "plateau"}  # fmt: skip
    names = [name for name, wanted in chooses.items() if wanted and splits.val is None]
    said = "without a validation part nothing is chosen by it. Add --set val=0.1."
    return [f"{' and '.join(names)}: {said}"] if names else []


def contents(splits: Splits) -> str:
    """Name, classes, size and counts of a set in half a line."""
    _, channels, height, width = splits.train.pixels.shape
    parts: Sequence[tuple[str, Images | None]] = (
        ("train", splits.train), ("val", splits.val), ("test", splits.test),
    )  # fmt: skip
    counts = " / ".join(f"{len(part):,} {name}" for name, part in parts if part is not None)
    kind = "grey" if channels == 1 else "colour"
    classes = len(splits.train.classes)
    known = f"{classes} class{'es' if classes != 1 else ''}"
    return f"{splits.name}, {known}, {width}x{height} {kind} · {counts}"
