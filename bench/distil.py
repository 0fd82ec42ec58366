"""What a teacher is worth: a small student alone and the same student distilled, seed by seed.

Usage: python -m bench.distil [--seeds 5] [--recipes digits mnist natural_animals] [--epochs E]. The teacher
is the recipe itself; the student has a smaller network and the recipe's data, changes and epochs. `alone`
learns from labels, `T=1` and `T=4` from the teacher with weight 0.9 at these temperatures. Differences are
paired by seed. Goes on after the last finished run; writes results/distil.json.
"""

import argparse
import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.seeded import interval
from bench.shakespeare import Kept
from gradschool.engine.run import RunFolder
from gradschool.models.vision.mlp import netfull
from gradschool.recipes import find
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train

ROOT = Path("runs", "distil")
STUDENTS: dict[str, dict[str, Any]] = {
    "digits": {"model": netfull, "model_options": {}},
    "mnist": {"model_options": {"widths": (8, 16), "stem": 8, "stride": 2}},
    "natural_animals": {"model_options": {"widths": (32, 64, 64)}},
}
WAYS: dict[str, dict[str, Any]] = {
    "alone": {},
    "T=1": {"temperature": 1.0, "teacher_weight": 0.9},
    "T=4": {"temperature": 4.0, "teacher_weight": 0.9},
}


def finished(run: Any, recipe: str, seed: int, name: str) -> RunFolder:
    """The run of that name, trained unless it is there."""
    folder = RunFolder(ROOT / recipe / f"{name}-{seed}")
    if folder.read("result.json"):
        return folder
    return train(run, Request(recipe, seed=seed, out=folder.path), silent)


def of_seed(recipe: str, epochs: float | None, seed: int) -> dict[str, Any]:
    """Accuracy, parameters and seconds of the teacher and of the student in every way."""
    teacher = find(recipe)()
    teacher = replace(teacher, epochs=epochs or teacher.epochs)
    student = replace(teacher, **STUDENTS[recipe])
    taught = finished(teacher, recipe, seed, "teacher")
    runs = {"teacher": taught}
    for way, settings in WAYS.items():
        who = {"teacher": str(taught.path), **settings} if settings else {}
        runs[way] = finished(replace(student, **who), recipe, seed, way.replace("=", ""))
    return {
        name: {
            "accuracy": folder.read("result.json")["metrics"]["test_accuracy"],
            "seconds": folder.read("result.json")["seconds"],
            "parameters": folder.read("model.json")["parameters"],
        }
        for name, folder in runs.items()
    }


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means with intervals, and what each way gains over the student alone, paired by seed."""
    found: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name]["accuracy"] for row in rows]
        gains = [row[name]["accuracy"] - row["alone"]["accuracy"] for row in rows]
        found[name] = {
            "accuracy": statistics.mean(values), "interval": interval(values),
            "gain": statistics.mean(gains), "gain_interval": interval(gains),
            "parameters": rows[0][name]["parameters"],
            "seconds": statistics.median(row[name]["seconds"] for row in rows),
        }  # fmt: skip
    return found


def main() -> None:
    """Train, sum up, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recipes", nargs="*", default=list(STUDENTS), choices=list(STUDENTS))
    parser.add_argument("--epochs", type=float)
    args = parser.parse_args()
    kept, tables = Kept("distil", {"epochs": args.epochs, "weight": 0.9}), {}
    for recipe in args.recipes:
        rows = [
            kept.row(f"{recipe}-{seed}", partial(of_seed, recipe, args.epochs, seed))
            for seed in range(args.seeds)
        ]
        tables[recipe] = summed(rows)
        for name, row in tables[recipe].items():
            print(
                f"{recipe:<16} {name:<8} {100 * row['accuracy']:.2f} %  {100 * row['gain']:+.2f} points "
                f"{row['gain_interval']}  {row['parameters']:,} parameters"
            )
    kept.write({"n": args.seeds, "threads": torch.get_num_threads(), "sets": tables})


if __name__ == "__main__":
    main()
