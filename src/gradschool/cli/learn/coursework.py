"""gradschool coursework NAME: a whole coursework: every figure that it asks for, and its mark scheme."""

import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import parse as parse_words
from gradschool.phrases import hanging


@dataclass(frozen=True)
class Args:
    """Do a coursework. Without a name: list them. NAME --help shows what it takes."""

    name: Annotated[str, tyro.conf.Positional] = ""
    """Name of the coursework."""
    json: bool = False
    """Print the result as one line of JSON."""


@dataclass(frozen=True)
class Named:
    """A coursework with its words."""

    name: str
    words: Any
    json: bool = False


def parse(words: list[str]) -> Args | Named:
    """Read the words: those after a name are the coursework's own."""
    if not words or words[0].startswith("-"):
        args: Args = parse_words(Args, "coursework", words)
        return args
    from gradschool.classroom import coursework

    read = parse_words(coursework.find(words[0]), f"coursework {words[0]}", words[1:])
    return Named(words[0].replace("_", "-"), read, read.json)


def run(args: Args | Named) -> int:
    """Do it, say the marks, and where all lies."""
    from gradschool.classroom import coursework
    from gradschool.classroom.coursework.frame import Desk, in_lines, written
    from gradschool.cli.mine import put_in_force, records, tell
    from gradschool.engine.run import RunFolder

    if isinstance(args, Args):
        known = coursework.listing()
        for name, text in known.items():
            print(hanging(f"  {name:<{max(map(len, known))}}  ", text))
        finish(args, {"courseworks": known})
        return 0
    # 1. Do it, with the learner's functions if they are wanted.
    work = args.words
    overlaid = put_in_force(work.dir) if work.mine else []
    folder = RunFolder.create(args.name, work.out)
    begun = {"coursework": args.name, "seed": work.seed}
    folder.write("coursework.json", begun)
    start = time.monotonic()
    outcome = work.work(Desk(folder.path, print, records(overlaid)))
    # 2. Figures, page, marks.
    page = written(outcome, folder.path, args.name)
    folder.write("coursework.json", begun | {"seconds": time.monotonic() - start})
    print("\n".join(hanging("", line) for line in in_lines(outcome)))
    if overlaid:
        tell(overlaid)
    for item, asked, of, where in outcome.by_hand:
        print(f" by hand  {item} {asked} ({of:g} points): {where}")
    print(f" figures  {len(outcome.shown)} in {folder.path}")
    print(f" page     {page}")
    points, most = outcome.points
    told = {"coursework": args.name, "folder": folder.path, "page": page, "points": points, "of": most}
    finish(args, {**told, "marks": [asdict(mark) for mark in outcome.marks], "facts": outcome.facts})
    return 0
