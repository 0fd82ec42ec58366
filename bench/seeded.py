"""What benches share that train each recipe of a list with several seeds: options, intervals, the loop.

The result file is written after every seed, and a run that is finished under runs/accuracy counts: an
interrupted bench goes on.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from scipy.stats import t as student

from bench import common
from bench.accuracy import train_one
from gradschool.recipes import find
from gradschool.runs.settings import override

Row = Callable[[str, Any, list[dict[str, Any]]], dict[str, Any]]  # recipe, settings, a result for each seed


def options(about: str | None, recipes: Sequence[str]) -> argparse.Namespace:
    """The seeds, recipes and changed settings that are asked for.

    Args:
        about: the bench's docstring.
        recipes: those it trains if none are named.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", default=recipes)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


def interval(values: list[float]) -> list[float] | None:
    """95 % interval of the mean over seeds (Student's t); None of a single seed."""
    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return [statistics.mean(values) - half, statistics.mean(values) + half]


def before(name: str, empty: dict[str, Any]) -> dict[str, Any]:
    """What the result file of that name holds, or the empty one."""
    path = common.RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else empty
    return found


def over_seeds(
    name: str, args: argparse.Namespace, result: dict[str, Any], table: str, row: Row
) -> Iterator[dict[str, Any]]:
    """Train every recipe with every seed, and give its row when it is complete.

    Args:
        name: of the result file.
        args: from `options`.
        result: what the file holds; changed in place and written after every seed.
        table: the entry of `result` that holds a row for each recipe.
        row: makes the row.
    """
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    for recipe in args.recipes:
        run, runs = override(find(recipe)(), args.set, recipe), []
        for seed in range(args.seeds):
            runs.append(train_one(run, recipe, torch.get_num_threads(), seed))
            result[table][recipe] = row(recipe, run, runs)
            place = {
                "load": os.getloadavg()[0],
                "threads": torch.get_num_threads(),
                "machine": common.machine(),
            }
            told = json.dumps({"name": name, **result, **place}, indent=1)
            (common.RESULTS / f"{name}.json").write_text(told + "\n")
        yield {"recipe": recipe, **result[table][recipe]}
