"""gradschool reset EXERCISE: begin an exercise afresh; what stood there is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Lay one exercise out afresh; your work on it goes to a backup, no other file is touched."""

    exercise: Annotated[str, tyro.conf.Positional] = ""
    """Which; the next one that is not done if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Put the blank back and say where the work went."""
    from gradschool.classroom.workspace.layout import find_workspace, reset
    from gradschool.classroom.workspace.progress import wanted

    workspace = find_workspace(args.dir)
    chapter, exercise = wanted(workspace, args.exercise)
    saved = reset(chapter, exercise, workspace)
    print(f" {workspace.file(chapter, exercise)} is blank again\n your work is in {saved}")
    finish(args, {"exercise": exercise.id, "backup": saved})
    return 0
