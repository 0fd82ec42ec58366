"""gradschool runs: what has been trained here."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError


@dataclass(frozen=True)
class Args:
    """List the runs in a folder, newest last."""

    folder: Annotated[Path, tyro.conf.Positional] = Path("runs")
    """Where to look."""
    json: bool = False
    """Print the result as one line of JSON."""


def facts(path: Path) -> dict[str, Any]:
    """The line of one run."""
    from gradschool.engine.run import RunFolder
    from gradschool.evals.metric import main_score, metric_of

    folder = RunFolder(path)
    config, result = folder.read("config.json"), folder.read("result.json")
    main = main_score(result)
    saved = folder.checkpoints.index()["all"]
    state = (
        "done"
        if result
        else f"cut short at {saved[-1]}"
        if saved
        else "cut short before its first checkpoint"
    )
    return {
        "run": str(path),
        "recipe": config.get("recipe", "?"),
        "seed": config.get("seed"),
        "kind": config.get("kind"),
        "score": None if main is None else result["metrics"][main],
        "metric": main,
        "shown": "-" if main is None else in_table(metric_of(result, main), result["metrics"][main]),
        "accuracy": result.get("metrics", {}).get("test_accuracy"),
        "seconds": result.get("seconds"),
        "state": state,
        "started": time.strftime("%Y-%m-%d %H:%M", time.localtime((path / "config.json").stat().st_mtime)),
    }


def in_table(metric: Any, value: float) -> str:
    """A score for a narrow column: accuracy in percent, another with its name."""
    return str(metric.shown(value)) if metric.name == "accuracy" else f"{metric.shown(value)} {metric.title}"


def run(args: Args) -> int:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    files = sorted(args.folder.glob("*/config.json"), key=lambda file: file.stat().st_mtime)
    found = [facts(file.parent) for file in files]
    if not found:
        raise UserError(f"no runs in {args.folder}", "", "Make one: gradschool train digits")
    table = Table(box=None, pad_edge=False)
    for title in ("run", "recipe", "seed", "test", "time", "started", "state"):
        table.add_column(title, justify="right" if title in ("seed", "test", "time") else "left")
    for line in found:
        seconds = "-" if line["seconds"] is None else f"{line['seconds']:.0f} s"
        table.add_row(
            line["run"],
            line["recipe"],
            str(line["seed"]),
            line["shown"],
            seconds,
            line["started"],
            line["state"],
        )
    Console(width=max(120, Console().width)).print(table)  # names are there to be copied whole
    finish(args, {"runs": found})
    return 0
