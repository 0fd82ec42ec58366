"""What a recipe reaches: a score and seconds over seeds, written to results/accuracy-RECIPE.json.

Usage: python -m bench.accuracy RECIPE [--seeds 3] [--processes 1] [--set KEY=VALUE ...] [--label NAME].
So many processes train side by side, each on its share of the cores; the seconds are then those of a smaller
machine. Not a comparison: `gradschool bench` does not list it. The runs stay under runs/accuracy; one that
was finished with the very same settings counts and is not trained again.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench import common
from gradschool.engine.run import RunFolder
from gradschool.evals.metric import described
from gradschool.recipes import find
from gradschool.runs.request import Request
from gradschool.runs.settings import override, to_dict
from gradschool.runs.train import train


def train_one(run: Any, label: str, threads: int, seed: int) -> dict[str, Any]:
    """Train one seed; what it reached, in wall seconds of training and processor seconds of everything."""
    torch.set_num_threads(threads)
    used, spent = time.process_time(), None
    folder = RunFolder(Path("runs") / "accuracy" / f"{label}-{seed}")
    same = json.loads(json.dumps(to_dict(run)))
    if not (folder.read("result.json") and folder.read("config.json").get("settings") == same):
        folder = train(run, Request(label, seed=seed, out=folder.path))
        spent = time.process_time() - used
    result = folder.read("result.json")
    return {"seed": seed, "seconds": result["seconds"], "processor_seconds": spent, **result["metrics"]}


def measure(run: Any, label: str, seeds: int, processes: int, score: str | None = None) -> dict[str, Any]:
    """Train with every seed from 0 and keep each result; `score` is the one that is summed up, that which the
    run is judged by if not given.
    """
    score = score or f"test_{run.monitor}"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    threads = run.threads or max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(partial(train_one, run, label, threads), range(seeds)))
    return {
        "name": f"accuracy-{label}",
        "n": seeds,
        "score": score,
        "about": described(run.metrics),
        **{key: spread([r[key] for r in results]) for key in (score, "seconds")},
        "processor_seconds": spread([r["processor_seconds"] for r in results if r["processor_seconds"]]),
        "threads": threads,
        "side_by_side": processes,
        "load_at_start": load,
        "runs": results,
        "settings": to_dict(run),
        "machine": common.machine(),
    }


def spread(values: list[float]) -> dict[str, float] | None:
    """Middle and ends of what the seeds gave; None where none did."""
    if not values:
        return None
    middle = {"median": statistics.median(values), "mean": statistics.mean(values)}
    return {**middle, "min": min(values), "max": max(values)}


def main() -> None:
    """Read the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--label", help="name of the result, the recipe's if not given")
    asked = parser.parse_args()
    run = override(find(asked.recipe)(), asked.set, asked.recipe)
    found = measure(run, asked.label or asked.recipe, asked.seeds, asked.processes)
    file = common.place(found["name"], found["machine"]["cpu"])
    file.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({key: found[key] for key in ("name", "n", found["score"], "seconds")}))


if __name__ == "__main__":
    main()
