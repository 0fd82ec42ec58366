"""What a recipe reaches: test accuracy and seconds over seeds, written to results/accuracy-RECIPE.json.

Usage: python -m bench.accuracy RECIPE [SEEDS]. Not a comparison: `gradschool bench` does not list it.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from bench import common
from gradschool.recipes import find
from gradschool.recipes.settings import to_dict
from gradschool.recipes.train import Request, train


def measure(recipe: str, seeds: int) -> dict:
    """Train with every seed from 0 and keep each result."""
    results, settings = [], find(recipe)()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as place:
        for seed in range(seeds):
            folder = train(settings, Request(recipe, seed=seed, out=Path(place) / str(seed)))
            result = folder.read("result.json")
            results.append({"seed": seed, "seconds": result["seconds"], **result["metrics"]})
    accuracy, seconds = ([r[key] for r in results] for key in ("test_accuracy", "seconds"))
    return {
        "name": f"accuracy-{recipe}",
        "n": seeds,
        "test_accuracy": {"median": statistics.median(accuracy), "mean": statistics.mean(accuracy),
                          "min": min(accuracy), "max": max(accuracy)},
        "seconds": {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)},
        "load_at_start": load,
        "runs": results,
        "settings": to_dict(settings),
        "machine": common.machine(),
    }  # fmt: skip


if __name__ == "__main__":
    found = measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
    (common.RESULTS / f"{found['name']}.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({key: found[key] for key in ("name", "n", "test_accuracy", "seconds")}))
