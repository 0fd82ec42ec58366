"""gradschool compare RUN RUN...: scores side by side, and only the settings that differ."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command, counted

if TYPE_CHECKING:
    from gradschool.engine.run import RunFolder
    from gradschool.evals.metric import Metric


@dataclass(frozen=True)
class Args:
    """Put runs side by side: scores (* the best), and the settings in which they differ.

    Runs that differ in their seed alone are told as one besides: the interquartile mean of their scores with
    its 95 % bootstrap interval. Of two such groups the better is named, with its probability.
    """

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


@dataclass
class Group:
    """Runs that differ in their seed alone.

    Args:
        recipe: theirs.
        metric: what they are judged by.
        score: its name in their results.
        runs: folders, one for each seed.
        values: of the score, by seed.
    """

    recipe: str
    metric: "Metric"
    score: str
    runs: list[Path] = field(default_factory=list)
    values: dict[int, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.recipe} ({self.runs[0].resolve().name} ...)"


def grouped(folders: Sequence["RunFolder"], results: Sequence[dict[str, Any]]) -> list[Group]:
    """Groups of two or more runs that differ in their seed alone."""
    from gradschool.evals.metric import main_score, metric_of

    found: dict[str, Group] = {}
    for folder, result in zip(folders, results, strict=True):
        config, score = folder.read("config.json"), main_score(result)
        if score is None or not math.isfinite(result["metrics"][score]):
            continue
        asked = {key: value for key, value in config.items() if key not in ("seed", "command")}
        empty = Group(config["recipe"], metric_of(result, score), score)
        group = found.setdefault(json.dumps([asked, score], sort_keys=True), empty)
        if config["seed"] not in group.values:
            group.runs.append(folder.path)
            group.values[config["seed"]] = result["metrics"][score]
    return [group for group in found.values() if len(group.values) > 1]


def estimated(groups: Sequence[Group]) -> tuple[list[str], list[dict[str, Any]]]:
    """Sentences about groups, and the same as facts: interquartile means with their intervals.

    Source: Agarwal et al. 2021, as in `gradschool.evals.rl.reliable`.
    """
    if not groups:
        return [], []
    import torch

    from gradschool.evals.rl.reliable import probability_of_improvement, reliable

    # 1. Each group by itself.
    lines, facts = [], []
    scores = [torch.tensor([list(group.values.values())], dtype=torch.float64) for group in groups]
    for group, values in zip(groups, scores, strict=True):
        found = reliable(values, torch.Generator().manual_seed(0))
        middle, low, high = map(group.metric.shown, (found.iqm, found.low, found.high))
        told = f"{group.metric.title or group.metric.name} {middle}, 95 % interval {low} to {high}"
        lines.append(f"{group}, {counted(found.runs, 'seed')}: {told}")
        known = {"runs": list(map(str, group.runs)), "seeds": list(group.values), "score": group.score}
        facts.append(known | {"interquartile_mean": found.iqm, "low": found.low, "high": found.high})
    # 2. Two of them side by side.
    if len(groups) == 2 and groups[0].score == groups[1].score and groups[0].metric.better:
        sign = 1 if groups[0].metric.higher_is_better else -1
        chance = probability_of_improvement(sign * scores[0], sign * scores[1])
        better, other = groups if chance >= 0.5 else reversed(groups)
        chance = max(chance, 1 - chance)
        lines.append(f"a run of {better} is better than one of {other} with probability {chance:.2f}")
    return lines, facts


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
    lines, groups = estimated(grouped(folders, results))
    for line in lines:
        print(f" over seeds  {line}")
    told = [{"run": str(folder.path), **column} for folder, column in zip(folders, found, strict=True)]
    finish(args, {"runs": told, "over_seeds": groups})
    return 0
