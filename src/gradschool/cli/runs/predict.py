"""gradschool predict RUN FILE...: what a run says of files, or of texts."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import command

LONGEST_NAME = 255  # characters; a longer one is no file


@dataclass(frozen=True)
class Args:
    """Ask a finished run about files: the most probable classes of pictures, their masks, or how
    probable each line of a text is. A run on text takes a text in quotes as well.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    files: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files of the kind that the run was trained on, folders that are searched through, or texts."""
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
    folder = RunFolder.open(args.run)
    run, _ = reopen(folder)
    asked: list[Path | str] = [word if run.reads and is_text(word) else Path(word) for word in args.files]
    missing = [each for each in asked if isinstance(each, Path) and not each.exists()]
    files = [each for each in asked if each not in missing] or asked
    skipped = [(file, "does not exist") for file in missing]
    live = sys.stderr.isatty()

    def progress(done: int, of: int) -> None:
        if live:
            print(f"\r {done} of {of}", end="" if done < of else "\r", file=sys.stderr, flush=True)

    found = []
    for one in run.predict(folder, files, args.top, progress, lambda f, why: skipped.append((f, why))):
        print(f" {one.line()}")
        found.append(one.facts())
    for file, why in skipped:
        print(f" left out: {file}: {why}", file=sys.stderr)
    finish(args, {"predictions": found, "skipped": [{"file": f, "why": why} for f, why in skipped]})
    return 2 if missing else 0


def is_text(word: str) -> bool:
    """Whether a word on the command line is a text itself: there is no such file, nor does it look like one."""
    if " " in word or "\n" in word:
        return not (len(word) < LONGEST_NAME and Path(word).exists())
    return not (Path(word).exists() or Path(word).suffix or "/" in word)
