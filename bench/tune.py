"""Methods of search beside each other at equal training steps: best validation and test score on the digits.

    python -m bench.tune [--seeds 10] [--methods random tpe ...]

Every method gets the same number of optimiser steps in all, so pruning buys more trials. The score is that of
the best trial by its validation score; medians over seeds have a bootstrap interval. Studies are kept under
runs/bench-tune, so an interrupted bench goes on.
"""

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from bench import common
from gradschool.engine.run import RunFolder
from gradschool.practice.search.found import Row, rows
from gradschool.practice.search.study import Asked, Study, begin
from gradschool.practice.search.work import Limits, work

STEPS, TRIALS = 60, 24  # of a whole trial; whole trials that the budget is worth
BUDGET = STEPS * TRIALS
SET = ("val=0.3", "threads=1", "evaluations=9", "save_every=1000")
RANGES = (
    "learning_rate=1e-4..1:log", "weight_decay=1e-4..1:log", "warmup=0..0.8", "label_smoothing=0..0.4",
)  # fmt: skip
GRID = (
    "learning_rate=1e-4,1e-3,1e-2,1e-1", "weight_decay=1e-3,0.1", "warmup=0.1,0.4,0.7", "label_smoothing=0.1",
)  # fmt: skip
METHODS: dict[str, dict[str, Any]] = {
    "random": {"sampler": "random"},
    "grid": {"sampler": "grid"},
    "TPE": {"sampler": "tpe"},
    "CMA-ES": {"sampler": "cmaes"},
    "Gaussian process": {"sampler": "gp"},
    "random + ASHA": {"sampler": "random", "pruner": "asha"},
}


def searched(method: str, seed: int) -> dict[str, Any]:
    """One search to the end of its budget: its best trial's scores."""
    over = GRID if method == "grid" else RANGES
    asked = Asked("digits", over, SET, seed=seed, steps=STEPS, device="cpu", **METHODS[method])
    name = f"{method.lower().replace(' ', '-').replace('+', 'and')}-{seed}"
    study = begin(asked, Path("runs/bench-tune") / name)
    while len(within(study)) == len(rows(study)) < 10 * TRIALS:
        before = len(rows(study))
        work(study, Limits(before + 1), lambda _: None)
        if len(rows(study)) == before:  # a grid has no more points
            break
    counted = within(study)
    done = [row for row in counted if row.state == "done" and row.value is not None]
    best = max(done, key=lambda row: (row.value or 0.0, -row.number))
    test = RunFolder(best.run).read("result.json")["metrics"]["test_accuracy"]
    return {"val_accuracy": best.value, "test_accuracy": test, "trials": len(counted),
            "steps": sum(map(steps_of, counted)), "params": best.params}  # fmt: skip


def steps_of(row: Row) -> int:
    """The optimiser steps that a trial took; one that failed counts in full."""
    return int(RunFolder(row.run).read("result.json").get("steps", STEPS))


def within(study: Study) -> list[Row]:
    """The trials that fit into the budget, in order."""
    found, used = [], 0
    for row in rows(study):
        used += steps_of(row)
        if used > BUDGET:
            break
        found.append(row)
    return found


def told(values: list[float]) -> dict[str, Any]:
    """Median and its 95 % bootstrap interval over seeds (percentile, 10,000 resamples)."""
    interval = None
    if len(set(values)) > 1:
        found = bootstrap(
            (np.array(values),),
            np.median,
            n_resamples=10_000,
            method="percentile",
            rng=np.random.default_rng(0),
        )
        interval = [float(found.confidence_interval.low), float(found.confidence_interval.high)]
    return {"median": statistics.median(values), "interval": interval, "values": values}


def main() -> None:
    """Search by every method with every seed; the result file is written after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    args = parser.parse_args()
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    methods: dict[str, Any] = {}
    for method in args.methods:
        runs = []
        for seed in range(args.seeds):
            runs.append(searched(method, seed))
            methods[method] = {
                "validation": told([each["val_accuracy"] for each in runs]),
                "test": told([each["test_accuracy"] for each in runs]),
                "trials": [each["trials"] for each in runs], "steps": [each["steps"] for each in runs],
                "best": [each["params"] for each in runs],
            }  # fmt: skip
            result = {
                "name": "tune", "recipe": "digits", "seeds": args.seeds, "steps a trial": STEPS,
                "steps in all": BUDGET, "space": RANGES, "grid": GRID, "set": SET, "methods": methods,
                "load": os.getloadavg()[0], "machine": common.machine(),
            }  # fmt: skip
            (common.RESULTS / "tune.json").write_text(json.dumps(result, indent=1) + "\n")
        row, middle = methods[method], statistics.median(methods[method]["trials"])
        print(f"{method:<18} validation {100 * row['validation']['median']:.1f} % test "
              f"{100 * row['test']['median']:.1f} % trials {middle:g}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
