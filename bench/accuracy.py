"""What a recipe reaches: test accuracy and seconds over seeds, written to results/accuracy-RECIPE.json.

Usage: python -m bench.accuracy RECIPE [SEEDS] [PROCESSES]. PROCESSES seeds train side by side, each on its
share of the cores; the seconds are then those of a smaller machine. Not a comparison: `gradschool bench` does
not list it. The runs stay under runs/accuracy.
"""

import json
import multiprocessing
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench import common
from gradschool.recipes import find
from gradschool.recipes.settings import to_dict
from gradschool.recipes.train import Request, train


def train_one(recipe: str, threads: int, seed: int) -> dict[str, Any]:
    """Train one seed; what it reached."""
    torch.set_num_threads(threads)
    place = Path("runs") / "accuracy" / f"{recipe}-{seed}"
    folder = train(find(recipe)(), Request(recipe, seed=seed, out=place))
    result = folder.read("result.json")
    return {"seed": seed, "seconds": result["seconds"], **result["metrics"]}


def measure(recipe: str, seeds: int, processes: int) -> dict[str, Any]:
    """Train with every seed from 0 and keep each result."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(partial(train_one, recipe, threads), range(seeds)))
    accuracy, seconds = ([r[key] for r in results] for key in ("test_accuracy", "seconds"))
    return {
        "name": f"accuracy-{recipe}",
        "n": seeds,
        "test_accuracy": {"median": statistics.median(accuracy), "mean": statistics.mean(accuracy),
                          "min": min(accuracy), "max": max(accuracy)},
        "seconds": {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)},
        "threads": threads,
        "side_by_side": processes,
        "load_at_start": load,
        "runs": results,
        "settings": to_dict(find(recipe)()),
        "machine": common.machine(),
    }  # fmt: skip


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[2:]] + [3, 1][len(sys.argv) - 2 :]
    found = measure(sys.argv[1], *asked)
    (common.RESULTS / f"{found['name']}.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({key: found[key] for key in ("name", "n", "test_accuracy", "seconds")}))
