"""gradschool data: data sets, where each lies, and what is in them."""

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, counted, hanging

if TYPE_CHECKING:
    from gradschool.data.setinfo import SetInfo


@dataclass(frozen=True)
class Args:
    """List data sets; `fetch NAME` brings one here; `check PATH` looks a folder, zip or set over."""

    words: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Nothing, fetch and a name, or check and a path or name."""
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
    if args.words[0] == "fetch" and len(args.words) != 2:
        raise UserError("data fetch got no name", "the name of one set", "List them with: gradschool data")
    if len(args.words) > 1 and args.words[0] != "fetch":
        raise UserError(f"data got {' '.join(args.words)!r}", "one name, or check and a path", "")
    return one(args, args.words[-1], wants_it=args.words[0] == "fetch")


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
            print(hanging(f" {row['name']:<26} ", f"{row['where']}; {row['licence']}"))
    absent = [row for row in rows if row["where"] == ABSENT]
    if absent:
        print(hanging(" ", f"{len(absent)} sets are not here. Fetch one: {command('data fetch NAME')}"))
    finish(args, {"sets": rows})
    return 0


ABSENT = "not here"


def megabytes(size: int | None) -> str:
    """A size for a person."""
    return f"{size / 1e6:,.0f} MB" if size else "size unknown"


def is_absent(info: "SetInfo") -> bool:
    """Whether a set would have to be brought before it can be used."""
    from gradschool.data.catalogue import located

    return bool(info.files or info.packs) and located(info) is None


def waiting() -> dict[str, "SetInfo"]:
    """Recipes that cannot run now, each with the set that is absent."""
    from gradschool.data.catalogue import all_sets, plain, spellings
    from gradschool.recipes import data_of

    absent = {spelling: info for info in all_sets() if is_absent(info) for spelling in spellings(info)}
    return {name: absent[plain(data)] for name, data in data_of().items() if data and plain(data) in absent}


def facts(info: "SetInfo", place: Path | None) -> dict[str, Any]:
    """What is known of a set without opening it."""
    packaged = not info.files and not info.packs
    where = str(place) if place else "with scikit-learn" if packaged else ABSENT
    return {
        "name": info.name,
        "title": info.title,
        "where": where,
        "licence": info.licence,
        "source": info.source,
    }


def one(args: Args, name: str, wants_it: bool) -> int:
    """Say what a set is; fetch it before, if it is wanted and not here."""
    from gradschool.data.catalogue import find, located
    from gradschool.data.fetch import brought, fetch
    from gradschool.data.record import record

    info = find(name)
    place = located(info)
    if is_absent(info) and not (wants_it or brought(info)):
        return absent(args, info)
    if is_absent(info):
        announce(info)
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
    seen = {file["file"]: file["sha256"] for file in record(info)}
    for name in unchecked:
        what = f" note     no checksum is published for {name}: its content was checked"
        print(f"{what}; its SHA-256 was {seen[name]}" if name in seen else what)
    finish(args, told | {"classes": names, "counts": counts, "fetched": record(info)})
    return 0


def absent(args: Args, info: "SetInfo") -> int:
    """What is known of a set without its files, and how to get them."""
    told = facts(info, None)
    shown = {**told, "size": megabytes(info.size), "next": command("data fetch", info.name)}
    for key, value in shown.items():
        print(textwrap.fill(value, 98, initial_indent=f" {key:<8} ", subsequent_indent=" " * 10))
    finish(args, told | {"bytes": info.size})
    return 0


def announce(info: "SetInfo") -> None:
    """Say what is about to be fetched, and under which licence, before it begins."""
    hosts = sorted({urlsplit(file.url).hostname or urlsplit(file.url).scheme for file in info.files})
    files = f"{counted(len(info.files), 'file')}, {megabytes(info.size)}"
    print(f" fetching {info.title}: {files}, from {', '.join(hosts)}")
    print(f" licence  {info.licence}", flush=True)


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
