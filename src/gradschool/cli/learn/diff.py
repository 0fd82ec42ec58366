"""gradschool diff EXERCISE: what you have changed in an exercise's file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Your file against the blank it began as."""

    exercise: Annotated[str, tyro.conf.Positional] = ""
    """Which; the next one that is not done if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print a unified diff."""
    from gradschool.classroom.workspace.layout import diff, find_workspace
    from gradschool.classroom.workspace.progress import wanted

    workspace = find_workspace(args.dir)
    chapter, exercise = wanted(workspace, args.exercise)
    text = diff(chapter, exercise, workspace)
    print(text or f" {exercise.id} is as it was laid out")
    finish(args, {"exercise": exercise.id, "diff": text})
    return 0
