"""gradschool compare RUN RUN...: scores side by side, and only the settings that differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, counted

if TYPE_CHECKING:
    from gradschool.engine.run import RunFolder


@dataclass(frozen=True)
class Args:
    """Put runs side by side: scores (* the best), and the settings in which they differ."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Two or more run folders, or names of runs in runs/."""
    json: bool = False
    """Print the result as one line of JSON."""


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level with dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def columns(folders: Sequence["RunFolder"]) -> list[dict[str, Any]]:
    """Scores and settings of each run."""
    found = []
    for folder in folders:
        config, result = folder.read("config.json"), folder.read("result.json")
        scores = {name: round(value, 4) for name, value in result.get("metrics", {}).items()}
        time = {"seconds": round(result.get("seconds", 0), 1)}
        found.append(
            scores | time | {"recipe": config["recipe"], "seed": config["seed"]} | flat(config["settings"])
        )
    return found


def marked(name: str, values: list[Any], results: list[dict[str, Any]]) -> list[str]:
    """A row of values for people: scores in their unit, the best of them with a star."""
    from gradschool.evals.metric import metric_of

    scores = [result.get("metrics", {}).get(name) for result in results]
    if all(score is None for score in scores):
        return [str(value) for value in values]
    metric = next(
        metric_of(result, name) for result, score in zip(results, scores, strict=True) if score is not None
    )
    known = [score for score in scores if score is not None]
    best = metric.best(known) if len(known) > 1 else None
    return [
        "-" if score is None else f"{metric.shown(score)}{' *' if score == best else ''}" for score in scores
    ]


def run(args: Args) -> int:
    """Print the table of what differs."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from gradschool.engine.run import RunFolder

    if len(args.runs) < 2:
        raise UserError(
            f"compare got {counted(len(args.runs), 'run')}",
            "two or more",
            f"List them with: {command('runs')}",
        )
    folders = [RunFolder.open(path) for path in args.runs]
    if len({folder.path.resolve() for folder in folders}) < len(folders):
        raise UserError(
            "compare got one run twice", "two or more different runs", f"List them with: {command('runs')}"
        )
    found = columns(folders)
    names = list(dict.fromkeys(name for column in found for name in column))
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    short = [folder.path.resolve().name for folder in folders]
    for folder, own in zip(folders, short, strict=True):
        title = own if short.count(own) == 1 else str(folder.path)
        table.add_column(escape(title), justify="right", overflow="fold")
    results = [folder.read("result.json") for folder in folders]
    for name in names:
        values = [column.get(name, "-") for column in found]
        if len({str(value) for value in values}) > 1:
            table.add_row(escape(name), *map(escape, marked(name, values, results)))
    Console().print(table if table.row_count else "these runs do not differ in any score or setting")
    told = [{"run": str(folder.path), **column} for folder, column in zip(folders, found, strict=True)]
    finish(args, {"runs": told})
    return 0
