"""gradschool predict RUN FILE...: what a run says of files."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError, WorkFailed
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Ask a finished run about files: the most probable classes of pictures or texts, their masks, or how
    probable each line of a text is. A classifier of texts takes a text itself, too; a reward model takes JSON
    lines, or a prompt and answers to it, and gives each answer a score.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    files: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files of the kind that the run was trained on, folders that are searched through, or "a text"."""
    top: int = 5
    """How many answers to give for each file."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print a line for each file; those that cannot be read are named at the end.

    A path that does not exist is named there, too, and makes the exit code 2; the others are done.
    """
    from gradschool.engine.run import RunFolder
    from gradschool.runs.kind import Answer, Kind
    from gradschool.runs.reopen import reopen

    refuse(args)
    # 1. Words that name no file are texts, for a run that reads such; they may be no legal path.
    folder = RunFolder.open(args.run)
    run, _ = reopen(folder)
    absent = [word for word in args.files if not os.path.exists(word)]  # noqa: PTH110
    typed = [word for word in absent if type(run).answer is not Kind.answer and not looks_like_file(word)]
    if "" in args.files and "" not in typed:
        raise nothing("an empty name")
    missing = [Path(word) for word in absent if word not in typed]
    files = [Path(word) for word in args.files if word not in absent]
    skipped = [(file, "does not exist") for file in missing]
    # 2. A line for each answer.
    found = []

    def tell(one: Answer) -> None:
        print(f" {one.line()}")
        found.append(one.facts())

    for one in run.answer(folder, typed, args.top) if typed else ():
        tell(one)
    try:
        if files or not typed:
            for one in run.predict(
                folder, files or missing, args.top, show_progress, lambda f, why: skipped.append((f, why))
            ):
                tell(one)
    except WorkFailed as error:
        raise with_reason(error, skipped) from error
    for file, why in skipped:
        print(f" left out: {file}: {why}", file=sys.stderr)
    finish(args, {"predictions": found, "skipped": [{"file": f, "why": why} for f, why in skipped]})
    return 2 if missing else 0


def refuse(args: Args) -> None:
    """Raise for what no run can answer."""
    if args.top < 1:
        raise UserError(f"top is {args.top}", "a whole number >= 1", "Example: --top 5")
    if not args.files:
        raise nothing("no files")
    there = (word for word in args.files if os.path.exists(word))  # noqa: PTH110
    if endless := [word for word in there if Path(word).is_char_device()]:
        raise UserError(f"{endless[0]} is a device, which may have no end", "files or folders", "")


def nothing(what: str) -> UserError:
    """The error of words that name no file."""
    return UserError(f"predict got {what}", "files or folders", f"Example: {command('predict RUN cat.jpg')}")


def with_reason(error: WorkFailed, skipped: Sequence[tuple[Path, str]]) -> WorkFailed:
    """The same failure with the first file that could not be read, and why."""
    reason = f" ({skipped[0][0]}: {skipped[0][1]})" if skipped else ""
    return WorkFailed(error.what + reason, error.wanted, error.next_step)


def show_progress(done: int, of: int) -> None:
    """How far it is, on a line that is written over."""
    if sys.stderr.isatty():
        print(f"\r {done} of {of}", end="" if done < of else "\r", file=sys.stderr, flush=True)


def looks_like_file(word: str) -> bool:
    """Whether a word that names no file was meant to: it has no spaces, and an ending or a slash."""
    return not any(map(str.isspace, word)) and ("/" in word or bool(Path(word).suffix))
