"""gradschool data: data sets, where each lies, and what is in them."""

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, hanging

if TYPE_CHECKING:
    from gradschool.data.setinfo import SetInfo


@dataclass(frozen=True)
class Args:
    """List data sets; NAME fetches one; `check PATH` looks a folder, zip or set over."""

    words: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Nothing, a name, or check and a path or name."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """List, fetch or check."""
    if not args.words:
        return listing(args)
    if args.words[0] == "check":
        if len(args.words) != 2:
            raise UserError(
                "data check got no path",
                "a folder, a zip or a name",
                f"Example: {command('data check ~/pets')}",
            )
        return check(args, args.words[1])
    if len(args.words) > 1:
        raise UserError(f"data got {' '.join(args.words)!r}", "one name, or check and a path", "")
    return one(args, args.words[0])


def listing(args: Args) -> int:
    """The table of all sets."""
    from rich.console import Console
    from rich.table import Table

    from gradschool.data.catalogue import all_sets, located

    rows: list[dict[str, Any]] = []
    for info in all_sets():
        known = all(file.checksum for file in info.files) if info.files else None
        rows.append(facts(info, located(info)) | {"bytes": info.size, "checksum": known})
    table = Table(box=None, pad_edge=False)
    for title in ("name", "to fetch", "checksum"):
        table.add_column(title, no_wrap=True)
    table.add_column("licence", ratio=2)
    table.add_column("where", overflow="fold", ratio=3)
    for row in rows:
        size = "-" if row["checksum"] is None else megabytes(row["bytes"])
        state = {None: "-", True: "known", False: "not published"}[row["checksum"]]
        table.add_row(row["name"], size, state, row["licence"], row["where"])
    if Console().width >= 100:
        Console().print(table)
    else:  # a narrow table would break names and paths
        for row in rows:
            print(hanging(f" {row['name']:<24} ", f"{row['where']}; {row['licence']}"))
    finish(args, {"sets": rows})
    return 0


def megabytes(size: int | None) -> str:
    """A size for a person."""
    return f"{size / 1e6:,.0f} MB" if size else "unknown"


def facts(info: "SetInfo", place: Path | None) -> dict[str, Any]:
    """What is known of a set without opening it."""
    packaged = not info.files and not info.packs
    where = str(place) if place else "with scikit-learn" if packaged else "not here"
    return {
        "name": info.name,
        "title": info.title,
        "where": where,
        "licence": info.licence,
        "source": info.source,
    }


def one(args: Args, name: str) -> int:
    """Fetch a set if it is not here, and say what it is."""
    from gradschool.data.catalogue import find, located
    from gradschool.data.fetch import fetch

    info = find(name)
    place = located(info)
    if place is None and (info.files or info.packs):
        place = fetch(info, progress)
        print("", file=sys.stderr)
    told = facts(info, place)
    counts = info.contents(place)
    names = list(dict.fromkeys(c for part in counts.values() for c in part))
    totals = [f"{sum(part.values()):,} {p}".strip() for p, part in counts.items()]
    shown = {**told, info.examples: " / ".join(totals)}
    if names != [info.examples]:
        shown["classes"] = f"{len(names)}: {', '.join(names)}"
    for key, value in shown.items():
        print(textwrap.fill(value, 98, initial_indent=f" {key:<8} ", subsequent_indent=" " * 10))
    unchecked = [file.name for file in info.files if not file.checksum]
    if unchecked:
        print(f" note     no checksum is known for {', '.join(unchecked)}: only its content was checked")
    finish(args, told | {"classes": names, "counts": counts})
    return 0


def progress(name: str, done: int, of: int) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        share = f"{100 * done / of:3.0f} % of {of / 1e6:,.1f} MB" if of else f"{done / 1e6:,.1f} MB"
        print(f"\r {name}  {share}   ", end="", file=sys.stderr, flush=True)


def check(args: Args, path: str) -> int:
    """Look a set over; leaks make the exit code 1."""
    from gradschool.data.vision.check import look_over, sentences

    found = look_over(path)
    print("\n".join(f" {line}" for line in sentences(found)))
    finish(args, found)
    return 1 if found["leaked"] else 0
