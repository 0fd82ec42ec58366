"""gradschool ladder: one baseline, then each cure alone, as a table."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Train the coursework's ladder on natural_animals: a baseline that over-fits, then each cure alone."""

    data: str | None = None
    """Another data set: its name, or a folder or zip of class folders."""
    seeds: int = 1
    """How often each rung is trained."""
    only: tuple[str, ...] = ()
    """Names of rungs; all if not given."""
    out: Path = Path("runs/ladder")
    """Folder for the runs and the table."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Climb, printing each row when it is done, and keep the table."""
    import time

    from gradschool.engine.device import choose, describe
    from gradschool.errors import UserError
    from gradschool.recipes.ladder import climb, rungs

    if args.seeds < 1:
        raise UserError(f"seeds is {args.seeds}", "a whole number >= 1", "Example: --seeds 3")
    unknown = [name for name in args.only if name not in rungs()]
    if unknown:
        raise UserError(f"there is no rung {unknown[0]!r}", f"one of {', '.join(rungs())}", "")
    place = args.out / time.strftime("%Y%m%d-%H%M%S")
    rows: list[dict[str, Any]] = []
    print(f" {'rung':<22} {'test':>7} {'spread':>7} {'train':>7} {'against baseline':>17} {'time':>7}")
    for rung in climb(args.seeds, place, args.data, args.only):
        train = sum(rung.train) / len(rung.train)
        rows.append({"rung": rung.name, "test": rung.test, "train": rung.train, "seconds": rung.seconds})
        gain = rung.mean - sum(rows[0]["test"]) / args.seeds
        print(f" {rung.name:<22} {100 * rung.mean:>5.1f} % {100 * rung.spread:>7.1f} {100 * train:>5.1f} % "
              f"{100 * gain:>+10.1f} points {rung.seconds:>5.0f} s", flush=True)  # fmt: skip
    table = {"name": "ladder", "n": args.seeds, "rows": rows, "machine": describe(choose())}
    (place / "ladder.json").write_text(json.dumps(table, indent=1, default=str))
    print(f" table    {place / 'ladder.json'}")
    finish(args, {"rows": rows, "table": place / "ladder.json"})
    return 0
