"""Train a recipe: the one place where data, model, task and engine meet.

A run's folder holds everything needed to go on with it, to report on it and to predict with it.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.data.cache import cache_folder
from gradschool.data.catalogue import open_set
from gradschool.data.images import Images, Splits
from gradschool.data.loader import Loader
from gradschool.data.pipeline import Pipeline
from gradschool.engine.device import Machine, choose, describe
from gradschool.engine.log import View
from gradschool.engine.loop import Plan, Progress, fit
from gradschool.engine.optim import make_optimizer
from gradschool.engine.run import RunFolder, is_main, same_everywhere
from gradschool.engine.seeds import mix
from gradschool.engine.update import Stepper, Stepping
from gradschool.errors import UserError
from gradschool.ops import switch
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
    """

    recipe: str
    seed: int = 0
    steps: int | None = None
    device: str = "auto"
    out: Path | None = None
    checkpoint: str = "last"
    plain: bool = False


@dataclass(frozen=True)
class Assembled:
    """The pieces of a run, put together but not yet started."""

    splits: Splits
    pipeline: Pipeline
    task: Classify
    batches: Loader
    held_out: Callable[[], Iterator[tuple[Tensor, Tensor]]]
    stepper: Stepper
    plan: Plan


def train(run: ImageRun, request: Request, say: Say = print, hooks: tuple[Any, ...] = ()) -> RunFolder:
    """Train from the start and leave a finished run folder.

    Args:
        run: the recipe's settings.
        request: seed, device, place.
        say: told the few sentences a person should read.
        hooks: observers of every logged line, besides the terminal's view.
    """
    machine = choose(request.device, run.precision, cache_folder())
    with switch.using("plain" if request.plain else "fast"):
        pieces = assemble(run, request, machine, say)
        path = RunFolder.create(request.recipe, request.out).path if is_main() else None
        folder = RunFolder(same_everywhere(path), writes=is_main())
        begin(folder, run, request, pieces)
        return complete(run, request, pieces, folder, Progress(), say, hooks)


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
    with switch.using("plain" if request.plain else "fast"):
        pieces = assemble(run, request, machine, say)
        folder = RunFolder(folder.path, writes=is_main())
        state = pieces.stepper.load(folder, request.checkpoint)
        at = Progress(**{name: state[name] for name in Progress.__annotations__})
        folder.forget_after(at.step)
        say(f"Going on from step {at.step} of {pieces.plan.steps}.")
        return complete(run, request, pieces, folder, at, say, ())


def machine_of(folder: RunFolder) -> Machine:
    """The machine that a run computed on, as far as it is there: else this one in the run's precision."""
    found = folder.read("environment.json")
    try:
        choose(found["device"], "fp32")
    except UserError:
        return choose("auto", "auto", cache_folder())
    return Machine(**{name: found[name] for name in Machine.__annotations__})


def assemble(run: ImageRun, request: Request, machine: Machine, say: Say) -> Assembled:
    """Open the data, build the model, and wire both to the engine."""
    # 1. Data; several processes share every batch.
    splits = open_set(run.data, size=run.image_size, val=run.val, seed=request.seed)
    describe_data(splits, run, request, machine, say)
    share = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    pipeline = run.pipeline(splits.train)
    batches = Loader(splits.train, run.batch_size, request.seed, pipeline, share=share, device=machine.device)
    steps = request.steps or max(1, round(run.epochs * len(batches)))
    batches = batches.for_steps(steps)
    # 2. The model, from the seed alone.
    torch.manual_seed(mix(request.seed))
    model = run.build_model(len(splits.train.classes), splits.train.pixels.shape[1])
    weights = class_weights(splits) if run.balance else None
    watched = "val" if splits.val is not None else "test"
    task = Classify(machine.place_module(model), run.label_smoothing, weights, watched)
    # 3. The engine.
    optimizers = {"model": make_optimizer(model, run.optim())}
    how = Stepping(run.rate_schedule(), run.accumulate, run.clip, run.ema)
    evaluations = run.evaluations or max(1, round(steps / len(batches)))
    plan = Plan(
        steps,
        request.seed,
        max(1, steps // evaluations),
        run.save_every,
        "val_accuracy" if splits.val is not None else None,
        True,
        run.patience if splits.val is not None else 0,
    )
    held_out = partial(evaluation_batches, splits.val or splits.test, pipeline, run.batch_size)
    return Assembled(splits, pipeline, task, batches, held_out, Stepper(task, optimizers, machine, how), plan)


def evaluation_batches(
    images: Images, pipeline: Pipeline, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images in order, as the model sees them when tested."""
    for start in range(0, len(images), 2 * batch_size):
        stop = start + 2 * batch_size
        yield pipeline.eval(images.pixels[start:stop], images.labels[start:stop])


def describe_data(splits: Splits, run: ImageRun, request: Request, machine: Machine, say: Say) -> None:
    """Say what is trained on what, and what a person should know of the data."""
    _, channels, height, width = splits.train.pixels.shape
    counts = [f"{len(splits.train):,} train"]
    counts += [f"{len(splits.val):,} val"] if splits.val is not None else []
    counts += [f"{len(splits.test):,} test"]
    kind = "grey" if channels == 1 else "colour"
    say(
        f"{request.recipe} · {run.model.__name__} · {splits.name}, {len(splits.train.classes)} classes, "
        f"{width}x{height} {kind} · {' / '.join(counts)} · seed {request.seed}"
    )
    if machine.reason:
        say(f"{machine.device} · {machine.reason}")
    for note in splits.notes:
        say(note)
    if splits.skipped:
        file, reason = splits.skipped[0]
        more = f"; {len(splits.skipped) - 1} more in skipped.txt" if len(splits.skipped) > 1 else ""
        say(f"{len(splits.skipped)} files could not be read and are left out ({file}: {reason}{more}).")


def begin(folder: RunFolder, run: ImageRun, request: Request, pieces: Assembled) -> None:
    """Write what is known before the first step."""
    asked = {"seed": request.seed, "steps": request.steps, "plain": request.plain, "device": request.device}
    settings = to_dict(run) | {"data": absolute(run.data)}
    folder.write("config.json", {"recipe": request.recipe, **asked, "settings": settings})
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
        watchers = [*hooks, view] if view else list(hooks)
        at = fit(
            pieces.task, pieces.batches, pieces.held_out, pieces.stepper, pieces.plan, folder, watchers, at
        )
    finally:
        if view:
            view.close()
        folder.close()
    if at.stopped:
        say(f"Stopped early at step {at.step}: {at.stopped}.")
    finish(run, pieces, folder, at)
    return folder


def finish(run: ImageRun, pieces: Assembled, folder: RunFolder, at: Progress) -> None:
    """Choose the final weights, score them on the test part, and write them with what predicting needs."""
    from safetensors.torch import save

    from gradschool.engine.checkpoint import write_whole
    from gradschool.evals.inference import collect
    from gradschool.evals.metrics import negative_log_likelihood, wilson

    # 1. The final weights: averaged where averaging is on, of the last or the best step.
    model = pieces.stepper.modules["model"]
    which = "best" if run.keep == "best" and pieces.splits.val is not None else "last"
    tensors, _ = folder.checkpoints.load(which, pieces.stepper.machine.device)
    model.load_state_dict(tensors.get("model.ema", tensors["model"]))
    # 2. One look at the test part.
    images, pipeline = pieces.splits.test, replace(pieces.pipeline, augment=type(run.augment)())
    batches = evaluation_batches(images, pipeline, run.batch_size)
    placed = ((pieces.stepper.machine.place(x), y) for x, y in batches)
    logits, labels = collect(model, placed, pieces.stepper.machine.autocast, run.flip_test)
    right = int((logits.argmax(-1) == labels).sum())
    low, high = wilson(right, len(labels))
    # 3. Weights and record.
    weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    write_whole(folder.path / "model.safetensors", save(weights))
    _, channels, height, width = images.pixels.shape
    folder.write(
        "model.json",
        {
            "classes": list(images.classes),
            "channels": channels,
            "height": height,
            "width": width,
            "mean": list(pipeline.mean),
            "std": list(pipeline.std),
            "size": run.sizes[-1][1] if run.sizes else height,
            "flip": run.flip_test,
            "parameters": sum(p.numel() for p in model.parameters()),
        },
    )
    folder.write(
        "result.json",
        {
            "metrics": {
                **at.scores,
                "test_accuracy": right / len(labels),
                "test_loss": negative_log_likelihood(logits, labels),
            },
            "interval": [low, high],
            "test_images": len(labels),
            "seconds": at.seconds,
            "steps": at.step,
            "stopped": at.stopped,
            "device": pieces.stepper.machine.device,
        },
    )


def rebuilt(folder: RunFolder, run: ImageRun) -> tuple[nn.Module, dict[str, Any]]:
    """The trained model of a finished run in eval mode, and the facts of model.json.

    Raises:
        UserError: the run is not finished.
    """
    from safetensors.torch import load_file

    from gradschool.engine.update import load_weights

    facts = folder.read("model.json")
    if not facts:
        raise UserError(
            f"{folder.path} is not finished", "a finished run", f"Use --resume {folder.path} first."
        )
    model = run.build_model(len(facts["classes"]), facts["channels"])
    load_weights(model, load_file(folder.path / "model.safetensors"))
    return model.eval(), facts
