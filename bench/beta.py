"""Does a higher price of codes make each number stand for one cause? A sweep of beta on squares whose place
and size are known, every price from several seeds: information gap, active numbers, error.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from bench.common import RESULTS, machine
from gradschool.recipes.generative.vae_squares import vae_squares
from gradschool.runs.request import Request
from gradschool.runs.train import train

BETAS = (0.1, 0.3, 1.0, 3.0, 10.0)
SHOWN = ("gap", "active_units", "reconstruction", "kl")


def trained(beta: float, seed: int) -> dict[str, float]:
    """Scores of one run."""
    run = replace(vae_squares(), beta=beta)
    with tempfile.TemporaryDirectory() as place:
        request = Request("vae_squares", seed=seed, out=Path(place) / "run")
        scores = train(run, request, say=lambda text: None).read("result.json")["metrics"]
    return {name: scores[f"test_{name}"] for name in SHOWN}


def run(seeds: int = 3) -> dict[str, Any]:
    """Train every price from every seed and write `bench/results/beta.json`."""
    rows = []
    for beta in BETAS:
        runs = [trained(beta, seed) for seed in range(seeds)]
        rows.append({"beta": beta, "runs": runs, **{name: mean(r[name] for r in runs) for name in SHOWN}})
        told = "  ".join(f"{name} {rows[-1][name]:.2f}" for name in SHOWN)
        print(f"beta {beta:g}: {told}")
    result = {"name": "beta", "data": "squares", "n": seeds, "rows": rows, "machine": machine()}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "beta.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
