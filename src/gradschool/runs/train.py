"""Train a recipe from the start, or go on with a run that was cut short.

A run's folder holds everything needed to go on with it, to report on it and to predict with it.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradschool.data.cache import cache_folder
from gradschool.engine.device import choose, describe, on_threads
from gradschool.engine.log import TensorBoard, View
from gradschool.engine.loop import Progress, fit
from gradschool.engine.run import RunFolder, is_main, same_everywhere
from gradschool.errors import UserError
from gradschool.nn.inputs import WrongInput
from gradschool.ops import switch
from gradschool.runs.again import command
from gradschool.runs.run import Pieces, Request, Run, Say
from gradschool.runs.reopen import machine_of
from gradschool.runs.settings import to_dict


def train(run: Run, request: Request, say: Say = print, hooks: tuple[Any, ...] = ()) -> RunFolder:
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
        pieces = run.assemble(request, machine, say)
        path = RunFolder.create(request.recipe, request.out).path if is_main() else None
        folder = RunFolder(same_everywhere(path), writes=is_main())
        begin(folder, run, request, pieces)
        return complete(run, request, pieces, folder, Progress(seconds=pieces.seconds), say, hooks)


def resume(folder: RunFolder, run: Run, request: Request, say: Say = print) -> RunFolder:
    """Go on with a run from its last whole checkpoint, in the precision it began with.

    Raises:
        UserError: the run is finished, or its checkpoint is damaged.
    """
    if folder.read("result.json"):
        raise UserError(
            f"{folder.path} is finished",
            "a run that was cut short",
            f"See it: gradschool report {folder.path}",
        )
    machine = machine_of(folder)
    say = say if is_main() else silent
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        pieces = run.assemble(request, machine, say)
        folder = RunFolder(folder.path, writes=is_main())
        state = pieces.stepper.load(folder, request.checkpoint)
        at = Progress(**{name: state[name] for name in Progress.__annotations__})
        folder.forget_after(at.step)
        say(f"Going on from step {at.step} of {pieces.plan.steps}.")
        return complete(run, request, pieces, folder, at, say, ())


def silent(text: str) -> None:
    """What the processes besides the main one say."""


def begin(folder: RunFolder, run: Run, request: Request, pieces: Pieces) -> None:
    """Write what is known before the first step."""
    asked = {"seed": request.seed, "steps": request.steps, "plain": request.plain, "device": request.device}
    mine = {"mine": list(request.mine)} if request.mine else {}
    settings = to_dict(run)
    settings |= {
        name: absolute(settings[name]) for name in ("data", "weights", "first_stage") if settings.get(name)
    }
    told = {"settings": settings, "command": command(request, settings)}
    folder.write("config.json", {"recipe": request.recipe, **asked, **mine, **told})
    folder.write("environment.json", describe(pieces.stepper.machine) | {"started": time.strftime("%F %T")})
    if pieces.splits.skipped:
        folder.write("skipped.txt", "".join(f"{file}\t{reason}\n" for file, reason in pieces.splits.skipped))


def absolute(data: str) -> str:
    """A path that still holds when the run is taken up from another folder; names of sets stay."""
    return str(Path(data).resolve()) if Path(data).exists() else data


def complete(
    run: Run,
    request: Request,
    pieces: Pieces,
    folder: RunFolder,
    at: Progress,
    say: Say,
    hooks: tuple[Any, ...],
) -> RunFolder:
    """Train to the end of the plan, then test once and write result and weights."""
    view = View(pieces.plan.steps, len(pieces.batches), run.batch_size) if is_main() else None
    try:
        watchers = [*hooks, *run.watchers(pieces, folder), *([view] if view else [])]
        if run.tensorboard and is_main():
            watchers.append(TensorBoard(folder.path))
        at = fit(
            pieces.task, pieces.batches, pieces.held_out, pieces.stepper, pieces.plan, folder, watchers, at
        )
    except WrongInput as error:
        raise UserError(f"{run.network()} cannot take these images: {error}", "", "") from error
    finally:
        if view:
            view.close()
        folder.close()
    if at.stopped:
        say(f"Stopped early at step {at.step}: {at.stopped}.")
    run.finish(pieces, folder, at)
    return folder
