"""gradschool ladder: a comparison as a table: an ablation, ways to transfer, few shots, other domains."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from gradschool.cli.main import finish

DRAWS = {"shots": 10, "domains": 10}  # of the pictures that are learnt from, where no number is given


@dataclass(frozen=True)
class Args:
    """Train the coursework's ablation, a baseline and one change at a time; or ways to transfer; or linear
    classifiers of what a frozen network makes of pictures.
    """

    what: Literal["ablation", "transfer", "shots", "domains"] = "ablation"
    """ablation: natural_animals_baseline and changes. transfer: scratch, fine-tuned, frozen, odd source.
    shots: few pictures a class, frozen. domains: photographs, paintings, cartoons and sketches, frozen."""
    data: str | None = None
    """Another data set: its name, or a folder or zip of class folders."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Change a setting of every row: --set epochs=2 (again for more)."""
    seeds: int | None = None
    """How often each row is trained, or pictures to learn from are drawn; 1, or 10 draws, if not given."""
    only: tuple[str, ...] = ()
    """Names of rows; all if not given."""
    out: Path = Path("runs/ladder")
    """Folder for the runs and the table."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Climb, printing each row when it is done, and keep the table."""
    import time

    from gradschool.engine.device import choose, describe
    from gradschool.errors import UserError

    seeds = args.seeds if args.seeds is not None else DRAWS.get(args.what, 1)
    if seeds < 1:
        raise UserError(f"seeds is {seeds}", "a whole number >= 1", "Example: --seeds 3")
    place = args.out / time.strftime("%Y%m%d-%H%M%S")
    tables = {"ablation": ablation, "transfer": transfers, "shots": probes, "domains": probes}
    climbed = tables[args.what](args, place, seeds)
    rows: list[dict[str, Any]] = []
    for rung in climbed:
        if not rows:
            print(
                f" {'row':<27} {'test':>7} {'spread':>7} {'train':>7} {'against the first':>17} {'time':>7}"
            )
        train = sum(rung.train) / len(rung.train)
        rows.append({"rung": rung.name, "test": rung.test, "train": rung.train, "seconds": rung.seconds})
        gain = rung.mean - sum(rows[0]["test"]) / seeds
        print(f" {rung.name:<27} {100 * rung.mean:>5.1f} % {100 * rung.spread:>7.1f} {100 * train:>5.1f} % "
              f"{100 * gain:>+10.1f} points {rung.seconds:>5.0f} s")  # fmt: skip
    table = {"name": args.what, "n": seeds, "rows": rows, "machine": describe(choose())}
    place.mkdir(parents=True, exist_ok=True)
    (place / "ladder.json").write_text(json.dumps(table, indent=1, default=str))
    print(f" table    {place / 'ladder.json'}")
    finish(args, {"rows": rows, "table": place / "ladder.json"})
    return 0


def ablation(args: Args, place: Path, seeds: int) -> Iterator[Any]:
    """The coursework's rows as they are done."""
    from gradschool.practice.ladder import climb, rungs
    from gradschool.runs.settings import override

    runs = rungs(args.data)
    check_names(args, list(runs))
    chosen = {name: runs[name] for name in runs if not args.only or name in args.only}
    changed = {name: override(each, args.set, "ladder") for name, each in chosen.items()}
    return climb(changed, seeds, place)


def transfers(args: Args, place: Path, seeds: int) -> Iterator[Any]:
    """The rows of the comparison of ways to transfer as they are done."""
    from gradschool.practice.transfer import ODD, comparison, ways
    from gradschool.recipes.transfer.transfer import transfer
    from gradschool.runs.settings import override

    start = transfer()
    start = replace(start, data=args.data) if args.data else start
    start = override(start, args.set, "transfer")
    check_names(args, [*ways(start), ODD])
    return comparison(start, seeds, place, args.only)


def probes(args: Args, place: Path, seeds: int) -> Iterator[Any]:
    """The rows of few shots, or of one domain learnt and another tested."""
    from gradschool.errors import UserError
    from gradschool.practice.probes import domain_rungs, shot_rungs
    from gradschool.recipes.transfer.fewshot_animals import fewshot_animals
    from gradschool.recipes.transfer.photos_to_sketches import photos_to_sketches
    from gradschool.runs.settings import override

    if args.only or (args.data and args.what == "domains"):
        what = f"--only or --data came with --what {args.what}"
        raise UserError(what, "--set backbone=NAME and such settings", "Leave it out.")
    recipe = fewshot_animals if args.what == "shots" else photos_to_sketches
    start = replace(recipe(), data=args.data, kept_size=None) if args.data else recipe()
    start = replace(override(start, args.set, recipe.__name__), shots=None)
    return shot_rungs(start, seeds) if args.what == "shots" else domain_rungs(start, seeds)


def check_names(args: Args, known: list[str]) -> None:
    """Refuse the name of a row that does not exist."""
    from gradschool.errors import UserError

    unknown = [name for name in args.only if name not in known]
    if unknown:
        raise UserError(f"there is no row {unknown[0]!r}", f"one of {', '.join(known)}", "")
