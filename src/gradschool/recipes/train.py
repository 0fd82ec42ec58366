"""Train a recipe: the one place where data, model, task and engine meet.

A run's folder holds everything needed to go on with it, to report on it and to predict with it.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gradschool.data.cache import cache_folder
from gradschool.data.catalogue import open_set
from gradschool.data.images import Splits
from gradschool.data.leaks import warning
from gradschool.data.loader import Loader, evaluation_batches
from gradschool.data.pipeline import Pipeline
from gradschool.engine.device import Machine, choose, describe, on_threads
from gradschool.engine.log import TensorBoard, View
from gradschool.engine.loop import HeldOut, Plan, Progress, fit
from gradschool.engine.optim import Optim, make_optimizer, parameter_groups, with_base_rates
from gradschool.engine.run import RunFolder, is_main, same_everywhere
from gradschool.engine.seeds import mix
from gradschool.engine.shard import shard
from gradschool.engine.task import Batches
from gradschool.engine.update import Stepper, Stepping
from gradschool.errors import UserError
from gradschool.nn.optim import plain_optimizer
from gradschool.ops import switch
from gradschool.recipes.finish import finish, machine_of
from gradschool.recipes.image import ImageRun, class_weights
from gradschool.recipes.settings import to_dict
from gradschool.tasks.classify import Classify

Say = Callable[[str], None]


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
class Assembled:
    """The pieces of a run, put together but not yet started; `seconds` were spent on it by `run.feed`."""

    splits: Splits
    pipeline: Pipeline
    model: nn.Module
    task: Classify
    batches: Batches
    held_out: HeldOut
    stepper: Stepper
    plan: Plan
    seconds: float


def train(run: ImageRun, request: Request, say: Say = print, hooks: tuple[Any, ...] = ()) -> RunFolder:
    """Train from the start and leave a finished run folder.

    Args:
        run: the recipe's settings.
        request: seed, device, place.
        say: told the few sentences a person should read.
        hooks: observers of every logged line, besides the terminal's view.
    """
    machine = choose(request.device, run.precision, cache_folder())
    if run.shard:
        machine = replace(machine, channels_last=False)  # shares are cut from plainly laid out weights
    say = say if is_main() else silent
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        pieces = assemble(run, request, machine, say)
        path = RunFolder.create(request.recipe, request.out).path if is_main() else None
        folder = RunFolder(same_everywhere(path), writes=is_main())
        begin(folder, run, request, pieces)
        return complete(run, request, pieces, folder, Progress(seconds=pieces.seconds), say, hooks)


def resume(folder: RunFolder, run: ImageRun, request: Request, say: Say = print) -> RunFolder:
    """Go on with a run from its last whole checkpoint, in the precision it began with.

    Raises:
        UserError: the run is finished, or its checkpoint is damaged.
    """
    if folder.read("result.json"):
        raise UserError(
            f"{folder.path} is finished", "a run that was cut short", "See it: gradschool report ..."
        )
    machine = machine_of(folder)
    say = say if is_main() else silent
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        pieces = assemble(run, request, machine, say)
        folder = RunFolder(folder.path, writes=is_main())
        state = pieces.stepper.load(folder, request.checkpoint)
        at = Progress(**{name: state[name] for name in Progress.__annotations__})
        folder.forget_after(at.step)
        say(f"Going on from step {at.step} of {pieces.plan.steps}.")
        return complete(run, request, pieces, folder, at, say, ())


def silent(text: str) -> None:
    """What the processes besides the main one say."""


def assemble(run: ImageRun, request: Request, machine: Machine, say: Say) -> Assembled:
    """Open the data, build the model, and wire both to the engine."""
    # 1. Data; several processes share every batch.
    splits = open_set(run.data, size=run.side(), val=run.val, seed=request.seed)
    describe_data(splits, run, request, machine, say)
    share = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    pipeline = run.pipeline(splits.train)
    batches = Loader(splits.train, run.batch_size, request.seed, pipeline, share=share, device=machine.device)
    steps = request.steps or max(1, round(run.epochs * len(batches)))
    batches = batches.for_steps(steps)
    # 2. The model, from the seed alone.
    torch.manual_seed(mix(request.seed))
    model = machine.place_module(run.start_model(splits.train, pipeline))
    if run.compile and machine.device.startswith("cuda"):
        model.compile()
    # 3. What of it is trained, and on what.
    held_out: HeldOut = partial(evaluation_batches, splits.val or splits.test, pipeline, 2 * run.batch_size)
    start = time.monotonic()
    part, fed, held_out = run.feed(model, batches, held_out, machine)
    seconds = time.monotonic() - start
    weights = class_weights(splits) if run.balance else None
    watched = "val" if splits.val is not None else "test"
    task = Classify(part, run.label_smoothing, weights, watched)
    # 4. The engine.
    if run.shard:
        shard(part, machine.device)
    optimizers = {"model": optimizer_for(part, run.optim(), request.plain)}
    how = Stepping(run.rate_schedule(), run.accumulate, run.clip, run.ema)
    plan = plan_of(run, request, steps, len(batches), splits.val is not None)
    stepper = Stepper(task, optimizers, machine, how)
    return Assembled(splits, pipeline, model, task, fed, held_out, stepper, plan, seconds)


def plan_of(run: ImageRun, request: Request, steps: int, per_epoch: int, chooses: bool) -> Plan:
    """When to look up and when to stop; `chooses` says that there is a validation part to choose by."""
    evaluations = run.evaluations or max(1, round(steps / per_epoch))
    monitor, patience = ("val_accuracy", run.patience) if chooses else (None, 0)
    every = max(1, steps // evaluations)
    return Plan(steps, request.seed, every, run.save_every, monitor, True, patience)


def optimizer_for(model: nn.Module, optim: Optim, plain: bool) -> Optimizer:
    """Torch's optimiser of that name, or the plain one (Muon is always ours: torch's knows matrices only)."""
    if not plain and optim.name != "muon":
        return make_optimizer(model, optim)
    groups = parameter_groups(model, optim)
    made = plain_optimizer(groups, optim.name, optim.learning_rate, optim.momentum, optim.betas)
    return with_base_rates(made)


def describe_data(splits: Splits, run: ImageRun, request: Request, machine: Machine, say: Say) -> None:
    """Say what is trained on what, and what a person should know of the data."""
    _, channels, height, width = splits.train.pixels.shape
    counts = [f"{len(splits.train):,} train"]
    counts += [f"{len(splits.val):,} val"] if splits.val is not None else []
    counts += [f"{len(splits.test):,} test"]
    kind = "grey" if channels == 1 else "colour"
    say(
        f"{request.recipe} · {run.network()} · {splits.name}, {len(splits.train.classes)} classes, "
        f"{width}x{height} {kind} · {' / '.join(counts)} · seed {request.seed}"
    )
    if machine.reason:
        say(f"{machine.device} · {machine.reason}")
    leak = warning(splits) if splits.train.names else ""  # published sets are what they are
    for note in [*splits.notes, *run.notes(), *([leak] if leak else [])]:
        say(note)
    if splits.skipped:
        file, reason = splits.skipped[0]
        more = f"; {len(splits.skipped) - 1} more in skipped.txt" if len(splits.skipped) > 1 else ""
        say(f"{len(splits.skipped)} files could not be read and are left out ({file}: {reason}{more}).")


def begin(folder: RunFolder, run: ImageRun, request: Request, pieces: Assembled) -> None:
    """Write what is known before the first step."""
    asked = {"seed": request.seed, "steps": request.steps, "plain": request.plain, "device": request.device}
    mine = {"mine": list(request.mine)} if request.mine else {}
    settings = to_dict(run)
    settings |= {name: absolute(settings[name]) for name in ("data", "weights") if settings.get(name)}
    folder.write("config.json", {"recipe": request.recipe, **asked, **mine, "settings": settings})
    folder.write("environment.json", describe(pieces.stepper.machine) | {"started": time.strftime("%F %T")})
    if pieces.splits.skipped:
        folder.write("skipped.txt", "".join(f"{file}\t{reason}\n" for file, reason in pieces.splits.skipped))


def absolute(data: str) -> str:
    """A path that still holds when the run is taken up from another folder; names of sets stay."""
    return str(Path(data).resolve()) if Path(data).exists() else data


def complete(
    run: ImageRun,
    request: Request,
    pieces: Assembled,
    folder: RunFolder,
    at: Progress,
    say: Say,
    hooks: tuple[Any, ...],
) -> RunFolder:
    """Train to the end of the plan, then test once and write result and weights."""
    view = View(pieces.plan.steps, len(pieces.batches), run.batch_size) if is_main() else None
    try:
        watchers = [*hooks, *([view] if view else [])]
        if run.tensorboard and is_main():
            watchers.append(TensorBoard(folder.path))
        at = fit(
            pieces.task, pieces.batches, pieces.held_out, pieces.stepper, pieces.plan, folder, watchers, at
        )
    finally:
        if view:
            view.close()
        folder.close()
    if at.stopped:
        say(f"Stopped early at step {at.step}: {at.stopped}.")
    finish(run, pieces.splits, pieces.pipeline, pieces.model, pieces.stepper, folder, at)
    return folder
