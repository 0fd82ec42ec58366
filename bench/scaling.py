"""Scaling laws: what small runs say of a larger one that is trained afterwards, and published runs.

Usage: python -m bench.scaling [--seeds 3] [--quick]. A ladder of GPT-2's of four widths on tiny Shakespeare,
each with three compute budgets, predicts a run of another width and four times the compute, which is trained
only then. Every run is a folder, so the same command goes on where it was stopped. The 72 published runs
(`scaling/isoflops_curves.json` of the data pack) are fitted by both methods. Writes results/scaling.json.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch

from bench import common
from bench.accuracy import spread
from gradschool.evals.language.scaling.isoflop import (
    best_runs,
    optimal_size,
    optimal_tokens,
    parabola_minima,
    read_runs,
)
from gradschool.models.language.gpt2 import gpt2
from gradschool.practice.scaling import Ladder, as_json, climb, fitted, loss_of, plan
from gradschool.runs.language.model import LanguageRun

FULL = ((32, 48, 64, 96), (1e11, 3e11, 1e12), (128, 4e12))  # widths, budgets, and the run that is predicted
QUICK = ((32, 48), (1.2e10, 2e10, 4e10), (64, 8e10))
PLACES = (1e23, 1e24)  # where the published runs are extrapolated to


def base() -> LanguageRun:
    """The settings that all runs of the ladder share."""
    return LanguageRun(
        data="tinyshakespeare", model=gpt2,
        model_options={"width": 64, "depth": 3, "heads": 4, "dropout": 0.0}, context=64, batch_size=16,
        optimizer="adamw", learning_rate=3e-3, warmup=0.1, clip=1.0, val=0, test=55_690, precision="fp32",
    )  # fmt: skip


def predicted(ladder: Ladder, seeds: int, place: Path) -> list[dict[str, Any]]:
    """The whole experiment with every seed: small runs, law, prediction, and only then the largest run."""
    found = []
    for seed in range(seeds):
        out = place / f"seed-{seed}"
        losses = [loss for _, loss in climb(ladder, "gpt2", seed, out)]
        law = fitted(ladder, losses)
        told = as_json(ladder, law, loss_of(ladder.largest, "gpt2", seed, out))
        found.append(told | {"seed": seed})
        print(
            f"seed {seed}: predicted {told['largest']['predicted']:.4f}, found {told['largest']['loss']:.4f}"
        )
    return found


def published() -> dict[str, Any] | None:
    """Both methods on the pack's 72 runs; None where the pack is absent."""
    for place in os.environ.get("GRADSCHOOL_DATA", "").split(os.pathsep):
        file = Path(place) / "scaling" / "isoflops_curves.json"
        if place and file.is_file():
            runs = read_runs(file)
            break
    else:
        return None
    told: dict[str, Any] = {"runs": len(runs.loss)}
    for name, method in (("best run", best_runs), ("parabola", parabola_minima)):
        size = optimal_size(runs, method)
        tokens = optimal_tokens(size)
        told[name] = {
            "exponent": size.exponent, "tokens_exponent": tokens.exponent,
            "parameters": {f"{place:.0e}": size.at(place) for place in PLACES},
            "tokens": {f"{place:.0e}": tokens.at(place) for place in PLACES},
        }  # fmt: skip
    return told


def main() -> None:
    """Read the command line, train, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="tiny budgets: does it run?")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    # 1. The ladder, and what it says.
    ladder = plan(base(), "width", *(QUICK if asked.quick else FULL))
    name = "scaling-quick" if asked.quick else "scaling"
    seeds = predicted(ladder, asked.seeds, Path("runs") / name)
    off = [each["largest"]["off"] for each in seeds]
    # 2. Everything a reader needs to judge it.
    result = {
        "name": name, "n": asked.seeds, "small_runs": len(ladder.rungs), "left_out": list(ladder.left_out),
        "off": spread(off), "within_3_percent": max(off) <= 0.03, "seeds": seeds, "published": published(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{len(ladder.rungs)} small runs; the prediction is at most {100 * max(off):.1f} % off")


if __name__ == "__main__":
    main()
