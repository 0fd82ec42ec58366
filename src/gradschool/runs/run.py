"""Settings that every run through the engine has, and how data, model, task and engine meet.

It knows no pictures, no text and no games: a kind of run says what its examples are, which model and task it
has, and how it ends.
"""

import os
import time
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.optim import Optimizer

from gradschool.data.examples import Splits
from gradschool.data.source import counted
from gradschool.engine.device import Machine, Precision, told
from gradschool.engine.log import Hook
from gradschool.engine.loop import HeldOut, Plan, Progress
from gradschool.engine.optim import Name, Optim, make_optimizer, parameter_groups, with_base_rates
from gradschool.engine.recompute import recompute
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Kind as ScheduleKind
from gradschool.engine.schedule import Schedule
from gradschool.engine.seeds import mix
from gradschool.engine.shard import shard
from gradschool.engine.task import Batches, Task
from gradschool.engine.update import Stepper, Stepping
from gradschool.errors import UserError
from gradschool.nn.bits.adamw import AdamW8bit
from gradschool.nn.lion import Lion
from gradschool.nn.muon import Muon, tables_apart
from gradschool.nn.optim import plain_optimizer
from gradschool.runs.kind import Kind
from gradschool.runs.request import Request, Say

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Pieces:
    """What a run is made of, put together but not yet started.

    Args:
        splits: the data.
        pipeline: how stored examples become what the model is fed, as the kind of run has it.
        model: all of it; the task may train a part.
        task: what is optimised.
        batches: of training.
        held_out: makes the batches to look at while training.
        stepper: takes the steps.
        plan: how many, and when to look up.
        seconds: that were spent by `run.feed`.
        say: told what a person should read while it goes on.
    """

    splits: Splits[Any]
    pipeline: Any
    model: nn.Module
    task: Task
    batches: Batches
    held_out: HeldOut
    stepper: Stepper
    plan: Plan
    seconds: float
    say: Say


@dataclass(frozen=True, kw_only=True)
class Run(Kind):
    """Settings that all runs through the engine have; a kind of run adds its own."""

    examples: ClassVar[str] = "examples"  # what one row of a batch is called
    takes: ClassVar[str] = "a file or a folder"  # what --data may be
    whole_batches: ClassVar[str] = ""  # why a batch may not be cut or shared, if it may not

    data: str
    """Name of a data set, or a path to your own."""
    epochs: Annotated[float, Field(gt=0, le=1e6)] = 10.0
    """Passes over the training part."""
    minutes: Positive | None = None
    """Minutes after which the run ends if it has not made all passes; the learning rate ends with them."""
    batch_size: Count = 128
    """Examples a step, over all processes together."""
    optimizer: Name = "adamw"
    """Method that turns gradients into steps."""
    learning_rate: Positive = 1e-3
    """Base (peak) learning rate."""
    momentum: Share = 0.9
    """For momentum, nesterov, rmsprop, muon and lion."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Pull of the weights towards zero; biases and normalisation gains are spared."""
    schedule: ScheduleKind = "one_cycle"
    """Course of the learning rate."""
    warmup: Share = 0.2
    """Share of the run in which the rate rises."""
    ema: Share | None = None
    """Decay of averaged weights, e.g. 0.999."""
    clip: Positive | None = None
    """Largest gradient norm."""
    accumulate: Count = 1
    """Micro-batches a step: the same result in less memory."""
    val: Share = 0.1
    """Share of the training part held out to choose by, where the set brings no validation part."""
    keep: Literal["last", "best"] = "last"
    """Which weights the run ends with: the last, or the best on the validation part."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Stop after so many epochs without improvement; 0 never."""
    evaluations: Count | None = None
    """How often to look at the validation part in all; once an epoch if not given."""
    save_every: Annotated[float, Field(ge=0)] = 60.0
    """Seconds between checkpoints; early on after 5, 10, 20, 40 s."""
    recompute: bool = False
    """Compute activations again in the backward pass: less memory, a third more time, the same result."""
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
        """The model's name, for people."""
        raise NotImplementedError

    def open(self, seed: int, data: str | None = None) -> Splits[Any]:
        """The data; `data` says where they lie now, if they moved."""
        raise NotImplementedError

    def pipeline(self, train: Any) -> Any:
        """How stored examples become what the model is fed, learnt from the training part alone."""
        raise NotImplementedError

    def start_model(self, train: Any, pipeline: Any) -> nn.Module:
        """The model that training starts from; the caller has seeded torch's generator."""
        raise NotImplementedError

    def task(self, model: nn.Module, splits: Splits[Any], held_out: str) -> Task:
        """What is optimised; `held_out` is the word before its scores, "val" or "test"."""
        raise NotImplementedError

    def loader(self, splits: Splits[Any], pipeline: Any, request: Request, machine: Machine) -> Any:
        """Training batches; several processes share every batch."""
        raise NotImplementedError

    def evaluation(self, splits: Splits[Any], pipeline: Any) -> HeldOut:
        """Makes the batches to look at while training: the validation part, or the test part without one."""
        raise NotImplementedError

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model that model.json describes, before its weights."""
        raise NotImplementedError

    def stored(self, model: nn.Module) -> nn.Module:
        """The model as the run's folder keeps it in the end: here as it was trained."""
        return model

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights once on the test part; write result.json, model.json and the weights."""
        raise NotImplementedError

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """Observers of every logged line that this kind of run brings along."""
        return []

    def optim(self) -> Optim:
        """The optimiser's settings."""
        return Optim(self.optimizer, self.learning_rate, self.weight_decay, self.momentum)

    def rate_schedule(self) -> Schedule:
        """The schedule's settings."""
        return Schedule(self.schedule, self.warmup)

    def notes(self) -> list[str]:
        """Sentences that a person should read before the run."""
        return []

    def warnings(self, splits: Splits[Any]) -> list[str]:
        """Sentences about the data that a person should read before believing the numbers."""
        return []

    def preparing(self) -> str:
        """What is being done before the first step, for those who wait."""
        return f"reading {self.data}"

    def contents(self, splits: Splits[Any]) -> str:
        """What the set is and how many examples each part has, in half a line."""
        counts = " / ".join(f"{len(part):,} {name}" for name, part in splits.parts.items())
        return f"{splits.name} · {counts}"

    def paced(self, batches: Any, steps: int) -> Any:
        """The same batches for a run of so many steps, where they change as it goes on."""
        return batches

    def feed(
        self, model: nn.Module, batches: Any, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """What is trained, and on what: here the whole model, on the batches as they are."""
        return model, batches, held_out

    def assemble(self, request: Request, machine: Machine, say: Say) -> Pieces:
        """Open the data, build the model, and wire both to the engine."""
        if self.minutes and share_of_processes()[1] > 1:
            wanted = "one process: several do not end at the same moment"
            raise UserError(f"minutes is {self.minutes:g} for several processes", wanted, "Use epochs.")
        # 1. Data.
        splits = self.open(request.seed)
        describe_data(splits, self, request, machine, say)
        pipeline = self.pipeline(splits.train)
        batches = self.loader(splits, pipeline, request, machine)
        steps = request.steps or max(1, round(self.epochs * len(batches)))
        batches = self.paced(batches, steps)
        # 2. The model, from the seed alone.
        torch.manual_seed(mix(request.seed))
        model = machine.place_module(self.start_model(splits.train, pipeline))
        # 3. What of it is trained, and on what.
        start = time.monotonic()
        trained, fed, held_out = self.feed(model, batches, self.evaluation(splits, pipeline), machine)
        seconds = time.monotonic() - start
        task = self.task(trained, splits, "val" if splits.val is not None else "test")
        if self.recompute:
            for part in task.parts.values():
                recompute(part)
        if self.compile and machine.device.startswith("cuda"):
            for part in task.parts.values():
                part.compile()
        # 4. The engine.
        if self.shard:
            for part in task.parts.values():
                shard(part, machine.device)
        optim, half = self.optim(), machine.precision == "bf16"
        optimizers = {
            name: optimizer_for(part, optim, request.plain, half) for name, part in task.parts.items()
        }
        how = Stepping(self.rate_schedule(), self.accumulate, self.clip, self.ema)
        plan = plan_of(self, request, steps, len(batches), splits.val is not None)
        stepper = Stepper(task, optimizers, machine, how)
        return Pieces(splits, pipeline, model, task, fed, held_out, stepper, plan, seconds, say)


def share_of_processes() -> tuple[int, int]:
    """(rank, processes): which part of every batch this process gets."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def plan_of(run: Run, request: Request, steps: int, per_epoch: int, chooses: bool) -> Plan:
    """When to look up and when to stop; `chooses` says that there is a validation part to choose by."""
    evaluations = run.evaluations or max(1, round(steps / per_epoch))
    monitor = f"val_{run.monitor}" if chooses else None
    patience = run.patience if chooses else 0
    every = max(1, steps // evaluations)
    is_higher_better = run.metrics[0].higher_is_better
    budget = 60 * run.minutes if run.minutes else None
    return Plan(
        steps, request.seed, every, run.save_every, monitor, is_higher_better, patience, budget, request.halt
    )  # fmt: skip


def optimizer_for(model: nn.Module, optim: Optim, plain: bool, half: bool = False) -> Optimizer:
    """Torch's optimiser of that name, or the plain one. Some are always ours: torch's Muon knows
    matrices only, and it has no Lion. `half`: bfloat16 is fast here, and Muon's products may be in it.
    """
    if optim.name == "adamw8bit":
        return with_base_rates(AdamW8bit(parameter_groups(model, optim), optim.learning_rate, optim.betas))
    if not plain and optim.name not in ("muon", "lion"):
        return make_optimizer(model, optim)
    groups, numbers = parameter_groups(model, optim), (optim.learning_rate, optim.momentum, optim.betas)
    if optim.name == "muon":
        return with_base_rates(Muon(tables_apart(groups, model), *numbers, torch.bfloat16 if half else None))
    if optim.name == "lion":
        return with_base_rates(Lion(groups, optim.learning_rate, optim.momentum))
    return with_base_rates(plain_optimizer(groups, optim.name, *numbers))


def describe_data(splits: Splits[Any], run: Run, request: Request, machine: Machine, say: Say) -> None:
    """Say what is trained on what, and what a person should know of the data."""
    say(f"{request.recipe} · {run.network()} · {run.contents(splits)} · seed {request.seed}")
    say(told(machine))
    for note in [*splits.notes, *run.notes(), *idle(splits, run), *run.warnings(splits)]:
        say(note)
    lost = [f"{file} ({reason})" for file, reason in splits.skipped]
    for note in counted(lost, "file is left out", "files are left out (skipped.txt has all)"):
        say(note)


def idle(splits: Splits[Any], run: Run) -> list[str]:
    """Settings that choose by a validation part where there is none, in a sentence."""
    chooses = {"patience": run.patience > 0, "keep=best": run.keep == "best",
               "schedule=plateau": run.schedule == "plateau"}  # fmt: skip
    names = [name for name, wanted in chooses.items() if wanted and splits.val is None]
    said = "without a validation part nothing is chosen by it. Add --set val=0.1."
    return [f"{' and '.join(names)}: {said}"] if names else []
