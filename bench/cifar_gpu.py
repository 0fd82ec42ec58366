"""CIFAR-10 on a CUDA GPU: seconds of training and test accuracy of the recipe cifar10_gpu, over seeds.

Beside it, the same recipe in float32 and not compiled. Compiling happens in a round that is not counted but
reported on its own; reading the images is not counted either.
"""

import itertools
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench import common
from gradschool.recipes.vision.cifar10_gpu import cifar10_gpu
from gradschool.runs.classification.speed import SpeedRun
from gradschool.runs.request import Request
from gradschool.runs.train import train

SIDES: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours, float32, not compiled": {"precision": "fp32", "compile": False},
}


def result_of(run: SpeedRun, seed: int, device: str) -> dict[str, float]:
    """Train once; seconds in the loop, in all, and the test accuracy."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        request = Request("cifar10_gpu", seed=seed, device=device, out=Path(place) / "run")
        result = train(run, request, say=lambda text: None).read("result.json")
    whole = time.perf_counter() - start
    return {"seed": seed, "value": result["seconds"], "whole_s": whole, **result["metrics"]}


def run(repeats: int = 5, start: SpeedRun | None = None, device: str = "cuda") -> dict[str, Any]:
    """Train both sides in turn, with seeds from 1; seed 0 warms up.

    Raises:
        BusyError: there is no CUDA GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise common.BusyError(
            "cifar_gpu needs a CUDA GPU, and none is here. Try bench naive on a processor."
        )
    settings = start or cifar10_gpu()
    # 1. Every side once a round.
    rounds: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for seed, (side, changes) in itertools.product(range(repeats + 1), SIDES.items()):
        rounds[side].append(result_of(replace(settings, **changes), seed, device))
    # 2. What each reaches.
    sides: dict[str, dict[str, Any]] = {}
    for side, (first, *counted) in rounds.items():
        values = [each["value"] for each in counted]
        accuracies = [each["test_accuracy"] for each in counted]
        sides[side] = {
            "median": statistics.median(values), "iqr": common.iqr(values), "rounds": counted,
            "first_round_s": first["whole_s"], "test_accuracy_mean": statistics.mean(accuracies),
            "test_accuracy_std": statistics.stdev(accuracies),
        }  # fmt: skip
    ours, peer = (sides[side]["median"] for side in SIDES)
    result = {
        "name": "cifar_gpu", "unit": "s", "ours": ours, "peer": peer, "ratio": peer / ours, "n": repeats,
        "peer_name": list(SIDES)[1], "sides": sides, "about": {"goal": "94 % test, mean of 25 seeds or more"},
        "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / "cifar_gpu.json").write_text(json.dumps(result, indent=1) + "\n")
    for side, each in sides.items():
        share, spread = 100 * each["test_accuracy_mean"], 100 * each["test_accuracy_std"]
        print(f"{side:>28}: {share:.2f} % test, spread {spread:.2f}", file=sys.stderr)
    return result


if __name__ == "__main__":
    common.main(run)
