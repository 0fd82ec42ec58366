"""gradschool data: data sets, where each lies, and what is in them."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError


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
                "data check got no path", "a folder, a zip or a name", "Example: gradschool data check ~/pets"
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

    table = Table(box=None, pad_edge=False)
    for title in ("name", "what", "to fetch", "checksum", "where"):
        table.add_column(title)
    rows: list[dict[str, Any]] = []
    for info in all_sets():
        place = located(info)
        where = str(place) if place else "with scikit-learn" if not (info.files or info.packs) else "not here"
        size = f"{info.size / 1e6:,.0f} MB" if info.size else "-"
        known = (
            "-" if not info.files else "yes" if all(file.checksum for file in info.files) else "not published"
        )
        table.add_row(info.name, info.title, size, known, where)
        rows.append(
            {
                "name": info.name,
                "title": info.title,
                "bytes": info.size,
                "where": where,
                "licence": info.licence,
            }
        )
    Console().print(table)
    finish(args, {"sets": rows})
    return 0


def one(args: Args, name: str) -> int:
    """Fetch a set if it is not here, and say what it is."""
    from gradschool.data.catalogue import find, located
    from gradschool.data.fetch import fetch

    info = find(name)
    place = located(info)
    if place is None and (info.files or info.packs):
        place = fetch(info, progress)
        print("", file=sys.stderr)
    facts = {"name": info.name, "title": info.title, "where": place or "with scikit-learn"}
    facts |= {"licence": info.licence, "source": info.source}
    for key, value in facts.items():
        print(f" {key:<8} {value}")
    finish(args, facts)
    return 0


def progress(name: str, done: int, of: int) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        share = f"{100 * done / of:3.0f} % of {of / 1e6:,.1f} MB" if of else f"{done / 1e6:,.1f} MB"
        print(f"\r {name}  {share}   ", end="", file=sys.stderr, flush=True)


def check(args: Args, path: str) -> int:
    """Look a set over; leaks make the exit code 1."""
    from gradschool.data.check import look_over, sentences

    found = look_over(path)
    print("\n".join(f" {line}" for line in sentences(found)))
    finish(args, found)
    return 1 if found["leaked"] else 0
