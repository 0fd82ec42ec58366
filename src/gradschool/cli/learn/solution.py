"""gradschool solution EXERCISE: the library's own function, after a question, and it is written down."""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, hanging


@dataclass(frozen=True)
class Args:
    """Show the library's own function. Your progress remembers that you looked; your file stays as it is."""

    exercise: Annotated[str, tyro.conf.Positional] = ""
    """Which; the next one that is not done if not given."""
    yes: bool = False
    """Do not ask."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Ask, remember, show."""
    from gradschool.classroom.exercise.manifest import source_of
    from gradschool.classroom.exercise.strip import find, first_line, read_source, split
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import read, record_solution, wanted

    workspace = find_workspace(args.dir)
    _, exercise = wanted(workspace, args.exercise)
    seen = read(workspace)["exercises"].get(exercise.id, {}).get("hints", 0)
    # 1. Make sure that it is wanted.
    if not args.yes:
        if not sys.stdin.isatty():
            again = command("solution", exercise.id, "--yes")
            raise UserError(
                "the solution waits for a yes, and nobody can be asked", "--yes", f"Type: {again}"
            )
        left = len(exercise.hints) - seen
        told = f"Hints left: {left} of {len(exercise.hints)}. " if left > 0 else ""
        if input(f"{told}Show the solution of {exercise.id}? [y/N] ").strip().lower() not in ("y", "yes"):
            return 0
    record_solution(workspace, exercise)
    # 2. The function with its lines in the library.
    file = source_of(exercise.target)
    source = read_source(file)
    function, _ = find(ast.parse(source), exercise.function)
    start = first_line(function)
    text = "".join(split(source)[start : function.end_lineno])
    print(f" {file}, line {start + 1}\n\n{text}")
    print(
        hanging(
            " next     ", f"close this, write it in your own words, then: {command('check', exercise.id)}"
        )
    )
    finish(args, {"exercise": exercise.id, "file": file, "line": start + 1, "text": text})
    return 0
