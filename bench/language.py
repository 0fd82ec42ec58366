"""Language models of tiny Shakespeare against counting: nats a character of its last 55,690 characters.

Usage: python -m bench.language [--minutes 5] [--seeds 1] [RECIPE ...]. Every recipe is trained on the first
1,003,854 characters with a budget of time, and stands beside the n-gram models of the same characters.
Nothing is chosen by the test part. The result is results/language.json; a shorter run has its minutes in its
name.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import common
from bench.accuracy import spread, train_one
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.settings import to_dict

RECIPES = ("shakespeare_lstm", "shakespeare_lstm_long")
FULL = 5.0  # minutes


def measure(recipes: list[str], minutes: float, seeds: int, threads: int) -> dict[str, Any]:
    """Train every recipe with every seed, and say which beats counting."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    models: dict[str, Any] = {}
    baselines: dict[str, float] = {}
    for name in recipes:
        run = replace(find(name)(), minutes=minutes)
        label = f"{name}-{minutes:g}-minutes"
        runs = [train_one(run, label, threads, seed) for seed in range(seeds)]
        result = RunFolder(Path("runs") / "accuracy" / f"{label}-0").read("result.json")
        baselines = result["baselines"]
        models[name] = {
            "nats": spread([each["test_loss"] for each in runs]), "runs": runs, "settings": to_dict(run),
        }  # fmt: skip
    counted = min(baselines, key=baselines.__getitem__)
    best = min(models, key=lambda name: models[name]["nats"]["median"])
    return {
        "name": "language", "unit": "nats a character", "n": seeds, "minutes": minutes, "threads": threads,
        "models": models, "baselines": baselines, "best_network": best, "best_baseline": counted,
        "beats_counting": models[best]["nats"]["median"] < baselines[counted],
        "load_at_start": load, "machine": common.machine(),
    }  # fmt: skip


def main() -> None:
    """Read the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--minutes", type=float, default=FULL)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    found = measure(asked.recipes, asked.minutes, asked.seeds, asked.threads)
    name = "language" if asked.minutes == FULL else f"language-{asked.minutes:g}-minutes"
    (common.RESULTS / f"{name}.json").write_text(json.dumps(found | {"name": name}, indent=1) + "\n")
    for recipe, model in found["models"].items():
        print(f"{recipe:<24} {model['nats']['median']:.3f} nats")
    print(f"{found['best_baseline']:<24} {found['baselines'][found['best_baseline']]:.3f} nats")


if __name__ == "__main__":
    main()
