"""gradschool new chapter NAME --dir FOLDER: a chapter of one's own with one exercise."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, hanging, quoted

FIRST = 81  # chapters of one's own stand behind the course's


@dataclass(frozen=True)
class Args:
    """Make a chapter of your own: lecture, quiz, one exercise with its check, the module it is cut from."""

    what: Annotated[Literal["chapter"], tyro.conf.Positional]
    """What is made."""
    name: Annotated[str, tyro.conf.Positional]
    """Its name: small letters, digits and hyphens."""
    dir: Path = Path("my-course")
    """The folder for chapters of your own."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Write the files and say how they are found and proved."""
    from gradschool.classroom.author.begin import files
    from gradschool.classroom.workspace.layout import write

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", args.name):
        raise UserError(f"{args.name!r} is no name", "small letters, digits and hyphens", "Example: week-one")
    taken = [int(f.name[:2]) for f in args.dir.glob("[0-9][0-9]-*")] if args.dir.is_dir() else []
    if any(args.dir.glob(f"[0-9][0-9]-{args.name}")):
        raise UserError(f"{args.dir} has a chapter {args.name} already", "a new name", "Take another.")
    written = []
    for name, text in files(args.name, max([FIRST - 1, *taken]) + 1).items():
        write(args.dir / name, text)
        written.append(args.dir / name)
        print(f" wrote    {args.dir / name}")
    print(hanging(" then     ", f"export GRADSCHOOL_COURSE={quoted(str(args.dir.resolve()))}"))
    print(hanging(" prove    ", command("gates", args.name)))
    print(hanging(" next     ", command("read", args.name)))
    finish(args, {"chapter": args.name, "files": written})
    return 0
