"""A vision transformer, convolutions, and both in one network, at equal parameters and equal minutes.

Usage: python -m bench.image_transformers [--seeds 3] [--recipes cifar10_vit ...] [--set minutes=15]. Recipes
of CIFAR-10 and of the 20 animals; a row has the accuracy on the test part for every seed, their mean and its
95 % interval (Student's t over seeds), parameters and seconds. The file is written after every seed, and a
run that is finished under runs/accuracy counts: an interrupted bench goes on. Writes
results/image_transformers.json.
"""

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any

import torch
from scipy.stats import t as student

from bench import common
from bench.accuracy import train_one
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.settings import override, to_dict

RECIPES = tuple(
    f"{data}_{net}" for data in ("cifar10", "natural_animals") for net in ("vit", "coatnet", "cnn")
)


def interval(values: list[float]) -> list[float] | None:
    """95 % interval of the mean over seeds; None of a single seed."""
    if len(values) < 2:
        return None
    half = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return [statistics.mean(values) - half, statistics.mean(values) + half]


def row(recipe: str, runs: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    """What the seeds of a recipe gave."""
    accuracies = [each["test_accuracy"] for each in runs]
    facts = RunFolder.open(Path("runs", "accuracy", f"{recipe}-{runs[0]['seed']}")).read("model.json")
    return {
        "recipe": recipe, "n": len(runs), "seeds": [each["seed"] for each in runs], "accuracies": accuracies,
        "mean": statistics.mean(accuracies), "median": statistics.median(accuracies),
        "interval": interval(accuracies), "seconds": statistics.median(each["seconds"] for each in runs),
        "parameters": facts["parameters"], "settings": settings,
    }  # fmt: skip


def main() -> None:
    """Train what is asked for and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", default=RECIPES)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    path = common.RESULTS / "image_transformers.json"
    result: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"rows": {}}
    for recipe in args.recipes:
        run, runs = override(find(recipe)(), args.set, recipe), []
        for seed in range(args.seeds):
            runs.append(train_one(run, recipe, torch.get_num_threads(), seed))
            result["rows"][recipe] = row(recipe, runs, to_dict(run))
            known = {
                "load": os.getloadavg()[0],
                "threads": torch.get_num_threads(),
                "machine": common.machine(),
            }
            path.write_text(json.dumps({"name": "image_transformers", **result, **known}, indent=1) + "\n")
        told = result["rows"][recipe]
        print(json.dumps({key: told[key] for key in ("recipe", "mean", "interval", "parameters", "seconds")}))


if __name__ == "__main__":
    main()
