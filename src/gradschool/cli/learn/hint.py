"""gradschool hint EXERCISE: one hint at a time, counted, without penalty."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import command, hanging


@dataclass(frozen=True)
class Args:
    """The next hint for an exercise; the last one stays."""

    exercise: Annotated[str, tyro.conf.Positional] = ""
    """Which; the next one that is not done if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print it with its number."""
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import next_hint, wanted

    workspace = find_workspace(args.dir)
    _, exercise = wanted(workspace, args.exercise)
    number, total, text = next_hint(workspace, exercise)
    print(f" {exercise.id} · hint {number} of {total}")
    print(hanging("   ", text))
    after = command("hint" if number < total else "solution", exercise.id)
    print(hanging(" next     ", f"{command('check', exercise.id)}, or: {after}"))
    finish(args, {"exercise": exercise.id, "hint": number, "of": total, "text": text})
    return 0
