"""A published sentence encoder on reviews, frozen and fine-tuned, beside models that count words.

Usage: python -m bench.encoders [--seeds 3] [--recipes imdb_minilm_frozen ...] [--set KEY=VALUE]. The counting
rows come first: those of bench.reviews, on all texts that are not of the test part. A row has test accuracy
and seconds of every seed; the first seed of a frozen recipe reads all texts with the encoder, those that
follow find what it made of them in the cache. The file is written after every seed, and a run that is
finished under runs/accuracy counts: an interrupted bench goes on. Writes results/encoders.json.
"""

import argparse
import json
import os
import statistics
from typing import Any

import torch

from bench import common
from bench.accuracy import train_one
from bench.image_transformers import interval
from bench.reviews import counting
from gradschool.recipes import find
from gradschool.runs.settings import override, to_dict

RECIPES = ("sst2_minilm_frozen", "imdb_minilm_frozen", "sst2_minilm", "imdb_minilm")


def row(runs: list[dict[str, Any]], best: float, settings: dict[str, Any]) -> dict[str, Any]:
    """What the seeds of a recipe gave, and whether their median is above the best counting row."""
    accuracies = [each["test_accuracy"] for each in runs]
    middle = statistics.median(accuracies)
    return {
        "n": len(runs), "median": middle, "min": min(accuracies), "max": max(accuracies),
        "interval": interval(accuracies), "beats_counting": middle > best, "runs": runs, "settings": settings,
    }  # fmt: skip


def main() -> None:
    """Train what is asked for and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipes", nargs="*", default=RECIPES)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    path = common.RESULTS / "encoders.json"
    result: dict[str, Any] = (
        json.loads(path.read_text()) if path.exists() else {"counting": [], "networks": {}}
    )
    names = dict.fromkeys(find(recipe)().data for recipe in args.recipes)
    kept = [each for each in result["counting"] if each["set"] not in names]
    result["counting"] = kept + [each for name in names for each in counting(name)]
    for recipe in args.recipes:
        run, runs = override(find(recipe)(), args.set, recipe), []
        best = max(each["accuracy"] for each in result["counting"] if each["set"] == run.data)
        for seed in range(args.seeds):
            runs.append(train_one(run, recipe, torch.get_num_threads(), seed))
            result["networks"][recipe] = row(runs, best, to_dict(run))
            known = {
                "load": os.getloadavg()[0],
                "threads": torch.get_num_threads(),
                "machine": common.machine(),
            }
            path.write_text(json.dumps({"name": "encoders", **result, **known}, indent=1) + "\n")
        told = result["networks"][recipe]
        print(json.dumps({"recipe": recipe, **{key: told[key] for key in ("median", "min", "max")}}))


if __name__ == "__main__":
    main()
