"""Train a run from the start, or go on with one that was cut short.

A run's folder holds everything needed to go on with it, to report on it and to use it.
"""

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from gradschool.data.cache import cache_folder
from gradschool.data.examples import changes, inventory
from gradschool.engine.device import choose, describe, on_threads
from gradschool.engine.log import Hook, TensorBoard, View, patiently
from gradschool.engine.loop import Progress, fit
from gradschool.engine.memory import keep_freed
from gradschool.engine.run import RunFolder, is_main, same_everywhere
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.metric import in_short
from gradschool.nn.inputs import WrongInput
from gradschool.ops import switch
from gradschool.phrases import as_called, command
from gradschool.runs.config import absolute, config
from gradschool.runs.kind import Kind
from gradschool.runs.reopen import machine_of, refuse_moved
from gradschool.runs.request import Request, Say, silent
from gradschool.runs.run import Pieces, Run
from gradschool.runs.small import SmallRun


def train(run: Kind, request: Request, say: Say = print, hooks: Sequence[Hook] = ()) -> RunFolder:
    """Train from the start and leave a finished run folder.

    Args:
        run: the recipe's settings.
        request: seed, device, place.
        say: told the few sentences a person should read.
        hooks: observers of every logged line, besides the terminal's view.
    """
    if isinstance(run, SmallRun):
        return run.train(request, say)
    assert isinstance(run, Run), "a run goes through the engine or trains itself"
    keep_freed()
    machine = choose(request.device, run.precision, cache_folder())
    if run.shard:
        machine = replace(machine, channels_last=False)  # shares are cut from plainly laid out weights
    say = say if is_main() else silent
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        with patiently(run.preparing()):
            pieces = run.assemble(request, machine, say)
        path = RunFolder.create(request.recipe, request.out).path if is_main() else None
        folder = RunFolder(same_everywhere(path), writes=is_main())
        begin(folder, run, request, pieces)
        with way_on(folder):
            return complete(run, request, pieces, folder, Progress(seconds=pieces.seconds), hooks)


def resume(
    folder: RunFolder, run: Kind, request: Request, say: Say = print, hooks: Sequence[Hook] = ()
) -> RunFolder:
    """Go on with a run from its last whole checkpoint, in the precision it began with.

    Args:
        folder: of the run.
        run: its settings.
        request: as it was, and which checkpoint.
        say: told the few sentences a person should read.
        hooks: observers of every logged line, besides the terminal's view.

    Raises:
        UserError: the run is finished or trains itself, its checkpoint is damaged, or its data have changed.
    """
    if not isinstance(run, Run):
        again = as_called(folder.read("config.json").get("command") or command("train", request.recipe))
        raise UserError(
            f"{folder.path} is {run.title}, which cannot be resumed", "", f"Start it again: {again}"
        )
    if folder.read("result.json"):
        raise UserError(
            f"{folder.path} is finished",
            "a run that was cut short",
            f"See it: {command('report', folder.path)}",
        )
    refuse_moved(run.data, folder, f"gradschool train --resume {folder.path}")
    keep_freed()
    machine = machine_of(folder)
    say = say if is_main() else silent
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        with patiently(run.preparing()):
            pieces = run.assemble(request, machine, say)
        if told := changes(folder.read("data.json"), inventory(pieces.splits)):
            what = f"{folder.path} cannot go on: {' '.join(told).rstrip('.')}"
            raise UserError(what, "the data it began with", "Put them back, or train again.")
        folder = RunFolder(folder.path, writes=is_main())
        move_data(folder, run)
        state = pieces.stepper.load(folder, request.checkpoint)
        at = Progress(**{name: state[name] for name in Progress.__annotations__ if name in state})
        folder.forget_after(at.step)
        say(f"Going on from step {at.step} of {pieces.plan.steps}.")
        with way_on(folder):
            return complete(run, request, pieces, folder, at, hooks)


@contextmanager
def way_on(folder: RunFolder) -> Iterator[None]:
    """Let a failure say how to go on from the last checkpoint, if there is one and it does not say so."""
    try:
        yield
    except WorkFailed as error:
        saved = folder.checkpoints.index()["all"]
        if not saved or "--resume" in error.next_step or "checkpoint" in error.next_step:
            raise
        again = f"Step {int(saved[-1].partition('-')[2])} is saved; then go on with: "
        advice = f"{error.next_step.rstrip('. ')}. {again}{command('train --resume', folder.path)}"
        raise WorkFailed(error.what, error.wanted, advice.lstrip(". ")) from error


def move_data(folder: RunFolder, run: Run) -> None:
    """Write down where the data of a run lie now, if they have moved."""
    config = folder.read("config.json")
    old, new = config["settings"].get("data"), absolute(run.data)
    if old != new:
        words = [new if word == old else word for word in shlex.split(config.get("command", ""))]
        folder.write(
            "config.json",
            config | {"settings": config["settings"] | {"data": new}, "command": shlex.join(words)},
        )


def begin(folder: RunFolder, run: Run, request: Request, pieces: Pieces) -> None:
    """Write what is known before the first step."""
    folder.write("config.json", config(run, request))
    folder.write("data.json", inventory(pieces.splits))
    folder.write("environment.json", describe(pieces.stepper.machine) | {"started": time.strftime("%F %T")})
    if pieces.splits.skipped:
        folder.write("skipped.txt", "".join(f"{file}\t{reason}\n" for file, reason in pieces.splits.skipped))


def complete(
    run: Run, request: Request, pieces: Pieces, folder: RunFolder, at: Progress, hooks: Sequence[Hook]
) -> RunFolder:
    """Train to the end of the plan, then test once and write result and weights."""
    shown = partial(in_short, run.metrics)
    plan = pieces.plan
    view = (
        View(plan.steps, len(pieces.batches), run.batch_size, run.examples, shown, plan.budget)
        if is_main()
        else None
    )
    try:
        watchers: list[Hook] = [*hooks, *run.watchers(pieces, folder), *([view] if view else [])]
        if run.tensorboard and is_main():
            watchers.append(TensorBoard(folder.path))
        at = fit(pieces.task, pieces.batches, pieces.held_out, pieces.stepper, plan, folder, watchers, at)
    except WrongInput as error:
        raise UserError(f"{run.network()} cannot take these {run.examples}: {error}", "", "") from error
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        what = (
            f"a batch of 1 of the {run.examples} is too small for the batch normalisation of {run.network()}"
        )
        wanted = f"2 or more a batch, of {len(pieces.splits.train)} to train on"
        raise UserError(what, wanted, "Add some, or raise batch_size.") from error
    finally:
        if view:
            view.close()
        folder.close()
    if at.stopped:
        pieces.say(f"Stopped early at step {at.step}: {at.stopped}.")
    with patiently("testing, and writing the report"):
        run.finish(pieces, folder, at)
    return folder
