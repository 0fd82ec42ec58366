"""gradschool reset EXERCISE: begin an exercise afresh; what stood there is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Lay one exercise out afresh; your work on it goes to a backup, no other file is touched."""

    exercise: Annotated[str, tyro.conf.Positional]
    """Which."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Put the blank back and say where the work went."""
    from gradschool.classroom.exercise.manifest import find_exercise
    from gradschool.classroom.workspace.layout import find_workspace, reset

    chapter, exercise = find_exercise(args.exercise)
    workspace = find_workspace(args.dir)
    saved = reset(chapter, exercise, workspace)
    print(f" {workspace.file(chapter, exercise)} is blank again\n your work is in {saved}")
    finish(args, {"exercise": exercise.id, "backup": saved})
    return 0
