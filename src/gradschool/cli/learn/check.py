"""gradschool check [EXERCISE ...]: a verdict on what you wrote, and what to do next."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
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
        watch(workspace, named(workspace, args.exercises, begun=False))
    finish(args, {"results": results})
    return 0 if all(result["outcome"] == "pass" for result in results) else 1


def check_all(workspace: Any, chosen: Iterable[Any], again: bool) -> list[dict[str, Any]]:
    """Check exercises one after the other; those that passed as they are now only if asked for `again`.

    A file that lies outside the workspace is judged and not recorded.
    """
    from gradschool.classroom.check.client import check
    from gradschool.classroom.check.job import Job
    from gradschool.classroom.check.report import lines
    from gradschool.classroom.workspace.progress import record_result, remembered

    records = []
    for chapter, exercise, file in chosen:
        if not again and remembered(workspace, chapter, exercise):
            print(f" {exercise.id:<20} pass             unchanged since it passed")
            records.append({"exercise": exercise.id, "outcome": "pass", "stage": "", "message": "unchanged"})
            continue
        is_mine = file == workspace.file(chapter, exercise)
        result = check(Job.of(chapter, exercise, workspace.work_on(chapter, exercise) if is_mine else file))
        if is_mine:
            record_result(workspace, chapter, exercise, result)
        print("\n".join(lines(result)))
        if not is_mine:
            print(f" not recorded: {file} lies outside {workspace.root}")
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


def watch(workspace: Any, chosen: list[Any]) -> None:
    """Check a file whenever it is saved, until Ctrl-C; one that is gone is waited for."""
    from watchfiles import watch as changes

    from gradschool.classroom.exercise.manifest import find_exercise

    outside = {file.parent for chapter, exercise, file in chosen if file != workspace.file(chapter, exercise)}
    print(f" watching {workspace.root}: save a file to check it, Ctrl-C to stop")
    for seen in changes(workspace.root, *outside, raise_interrupt=False):
        saved = {Path(path).resolve() for _, path in seen}
        hit = [(*find_exercise(exercise.id), file) for _, exercise, file in chosen if file.resolve() in saved]
        if not hit:
            continue
        title = f"── saved {time.strftime('%H:%M:%S')} "
        print(f" {title:─<80}")
        for one in hit:
            try:
                check_all(workspace, [one], again=True)
            except (UserError, OSError) as error:
                gone = f"{one[-1]} is gone. It is checked again when it is back."
                print(hanging(" ", str(error) if one[-1].is_file() else gone))
