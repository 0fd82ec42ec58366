"""gradschool runs: what has been trained here."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, counted


@dataclass(frozen=True)
class Args:
    """List the runs in a folder, newest last; courseworks and studies with the runs inside them."""

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
        "started": started(path / "config.json"),
    }


def in_table(metric: Any, value: float) -> str:
    """A score for a narrow column: accuracy in percent, another with its name."""
    return str(metric.shown(value)) if metric.name == "accuracy" else f"{metric.shown(value)} {metric.title}"


def coursework(path: Path) -> dict[str, Any]:
    """The line of one coursework."""
    from gradschool.engine.run import RunFolder

    folder = RunFolder(path)
    begun, marks = folder.read("coursework.json"), folder.read("marks.json")
    points = f"{marks['points']:g} of {marks['of']:g} points" if marks.get("of") else "-"
    return {
        "run": str(path), "recipe": marks.get("coursework") or begun.get("coursework", "?"),
        "seed": begun.get("seed"), "kind": "coursework", "score": marks.get("points"), "metric": "points",
        "shown": points, "accuracy": None, "seconds": begun.get("seconds"),
        "state": "done" if marks else "not finished", "started": started(path / "coursework.json"),
    }  # fmt: skip


def study(path: Path) -> dict[str, Any]:
    """The line of one search for settings."""
    from gradschool.engine.run import RunFolder

    known = RunFolder(path).read("study.json")
    trials = len(list(path.glob("trial-*/config.json")))
    return {
        "run": str(path), "recipe": known["recipe"], "seed": known["asked"]["seed"], "kind": "study",
        "score": None, "metric": known["metric"]["name"], "shown": "-", "accuracy": None, "seconds": None,
        "state": f"study, {counted(trials, 'trial')}", "started": started(path / "study.json"),
    }  # fmt: skip


def started(file: Path) -> str:
    """When a folder's first file was written."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))


def run(args: Args) -> int:
    """Print the table: runs, and courseworks and studies with the runs inside them."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    def age(file: Path) -> float:
        return file.stat().st_mtime

    lines = {"config.json": facts, "coursework.json": coursework, "study.json": study}
    outer = [file for name in lines for file in args.folder.glob(f"*/{name}")]
    found = []
    for file in sorted(outer, key=age):
        found.append(lines[file.name](file.parent))
        found += [facts(inner.parent) for inner in sorted(file.parent.glob("*/config.json"), key=age)]
    if not found:
        raise UserError(f"no runs in {args.folder}", "", f"Make one: {command('train digits')}")
    table = Table(box=None, pad_edge=False)
    for title in ("run", "recipe", "seed", "test", "time", "started", "state"):
        table.add_column(title, justify="right" if title in ("seed", "test", "time") else "left")
    for line in found:
        seconds = "-" if line["seconds"] is None else f"{line['seconds']:.0f} s"
        seed = "-" if line["seed"] is None else str(line["seed"])
        cells = (line["run"], line["recipe"], seed, line["shown"], seconds, line["started"], line["state"])
        table.add_row(*map(escape, cells))
    Console(width=max(120, Console().width)).print(table)  # names are there to be copied whole
    finish(args, {"runs": found})
    return 0
