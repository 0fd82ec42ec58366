"""gradschool predict RUN FILE...: what a run says of files."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Ask a finished run about files: the most probable classes of pictures, their masks, or how
    probable each line of a text is.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files of the kind that the run was trained on, and folders that are searched through."""
    top: int = 5
    """How many answers to give for each file."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print a line for each file; those that cannot be read are named at the end.

    A path that does not exist is named there, too, and makes the exit code 2; the others are done.
    """
    from gradschool.engine.run import RunFolder
    from gradschool.errors import UserError
    from gradschool.runs.reopen import reopen

    if args.top < 1:
        raise UserError(f"top is {args.top}", "a whole number >= 1", "Example: --top 5")
    if not args.files:
        raise UserError(
            "predict got no files", "files or folders", f"Example: {command('predict RUN cat.jpg')}"
        )
    missing = [file for file in args.files if not file.exists()]
    files = [file for file in args.files if file not in missing] or args.files
    skipped = [(file, "does not exist") for file in missing]
    live = sys.stderr.isatty()

    def progress(done: int, of: int) -> None:
        if live:
            print(f"\r {done} of {of}", end="" if done < of else "\r", file=sys.stderr, flush=True)

    folder = RunFolder.open(args.run)
    run, _ = reopen(folder)
    found = []
    for one in run.predict(folder, files, args.top, progress, lambda f, why: skipped.append((f, why))):
        print(f" {one.line()}")
        found.append(one.facts())
    for file, why in skipped:
        print(f" left out: {file}: {why}", file=sys.stderr)
    finish(args, {"predictions": found, "skipped": [{"file": f, "why": why} for f, why in skipped]})
    return 2 if missing else 0
