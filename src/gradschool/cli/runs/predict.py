"""gradschool predict RUN FILE...: what a run's network sees in pictures."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Name the five most probable classes of image files and folders of them, or write a mask for each."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files, and folders that are searched through."""
    top: int = 5
    """How many classes to name."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print a line for each file; those that cannot be read are named at the end.

    A path that does not exist is named there, too, and makes the exit code 2; the others are done.
    """
    from gradschool.errors import UserError
    from gradschool.runs.serve import predict

    if args.top < 1:
        raise UserError(f"top is {args.top}", "a whole number >= 1", "Example: --top 5")
    if not args.files:
        raise UserError(
            "predict got no files", "image files or folders", "Example: gradschool predict RUN cat.jpg"
        )
    missing = [file for file in args.files if not file.exists()]
    files = [file for file in args.files if file not in missing] or args.files
    skipped = [(file, "does not exist") for file in missing]
    live = sys.stderr.isatty()

    def progress(done: int, of: int) -> None:
        if live:
            print(f"\r {done} of {of}", end="" if done < of else "\r", file=sys.stderr, flush=True)

    found = []
    for one in predict(args.run, files, args.top, progress, lambda file, why: skipped.append((file, why))):
        best = "  ".join(f"{name} {100 * share:.1f} %" for name, share in one.top)
        written = f"  {one.mask}" if one.mask else ""
        print(f" {one.file}  {best}{written}")
        told = {"file": one.file, "top": [{"class": c, "probability": p} for c, p in one.top]}
        found.append(told | ({"mask": one.mask} if one.mask else {}))
    for file, why in skipped:
        print(f" left out: {file}: {why}", file=sys.stderr)
    finish(args, {"predictions": found, "skipped": [{"file": f, "why": why} for f, why in skipped]})
    return 2 if missing else 0
