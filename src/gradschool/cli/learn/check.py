"""gradschool check [EXERCISE ...]: a verdict on what you wrote, and what to do next."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import hanging


@dataclass(frozen=True)
class Args:
    """Check what you wrote. Without a name: all you have begun, and the next exercise."""

    exercises: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Exercises or chapters by name, or files."""
    watch: bool = False
    """Check again whenever a file is saved; stop with Ctrl-C."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Check once, or again on every save."""
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import named

    workspace = find_workspace(args.dir)
    chosen = named(workspace, args.exercises)
    results = check_all(workspace, chosen, again=bool(args.exercises))
    if args.watch:
        watch(workspace, [exercise.id for _, exercise in named(workspace, args.exercises, begun=False)])
    finish(args, {"results": results})
    return 0 if all(result["outcome"] == "pass" for result in results) else 1


def check_all(workspace: Any, chosen: Iterable[Any], again: bool) -> list[dict[str, Any]]:
    """Check exercises one after the other; those that passed as they are now only if asked for `again`."""
    from gradschool.classroom.check.client import check
    from gradschool.classroom.check.job import Job
    from gradschool.classroom.check.report import lines
    from gradschool.classroom.workspace.progress import record_result, remembered

    records = []
    for chapter, exercise in chosen:
        file = workspace.work_on(chapter, exercise)
        if not again and remembered(workspace, chapter, exercise):
            print(f" {exercise.id:<20} pass             unchanged since it passed")
            records.append({"exercise": exercise.id, "outcome": "pass", "stage": "", "message": "unchanged"})
            continue
        result = check(Job.of(chapter, exercise, file))
        record_result(workspace, chapter, exercise, result)
        print("\n".join(lines(result)))
        records.append(result.record())
    if records and all(record["outcome"] == "pass" for record in records):
        say_next(workspace)
    return records


def say_next(workspace: Any) -> None:
    """Name the next exercise."""
    from gradschool.classroom.workspace.progress import course_map, how_to, next_exercise

    chapters = course_map(workspace)
    done = sum(chapter["done"] for chapter in chapters)
    total = sum(len(chapter["exercises"]) for chapter in chapters)
    waiting = next_exercise(chapters)
    told = "all done"
    if waiting:
        chapter, exercise = waiting
        way = "" if exercise["file"] else f": {how_to(chapter, exercise)}"
        told = f"next exercise: {exercise['id']} ({exercise['minutes']} min){way}"
    print(hanging(" next     ", f"{done} of {total} done · {told}"))


def watch(workspace: Any, names: list[str]) -> None:
    """Check a file whenever it is saved, until Ctrl-C."""
    from watchfiles import watch as changes

    from gradschool.classroom.exercise.manifest import find_exercise

    print(f" watching {workspace.root}: save a file to check it, Ctrl-C to stop")
    for seen in changes(workspace.root, raise_interrupt=False):
        saved = sorted({Path(path).resolve() for _, path in seen})
        pairs = [find_exercise(name) for name in names]
        hit = [pair for pair in pairs if workspace.file(*pair).resolve() in saved]
        if hit:
            title = f"── saved {time.strftime('%H:%M:%S')} "
            print(f" {title:─<80}")
            check_all(workspace, hit, again=True)
