"""How many runs of the network does a good picture cost? Samplers of one trained DDPM, against DDPM's own.

One network learns to predict noise (`ddpm_mnist`); the same weights and the same starting noise are then
sampled by every method, with runs of the network counted. Feature distances are to test digits, seen by a
frozen classifier of ours; their spread is that of resampled pictures (bootstrap).

Usage: python -m bench.samplers [--seconds 120] [--n 512] [--longest 1000] [--sheets FOLDER]
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import common
from bench.generators import Eye, Row, made, trained
from gradschool.evals.frechet import fitted, frechet_distance
from gradschool.evals.pictures import save_grid
from gradschool.recipes import find
from gradschool.recipes.generate import GenerativeRun
from gradschool.recipes.score import fitting, look

HEUN = ("heun", 18)
METHODS = (
    HEUN, ("heun", 5), ("heun", 9), ("dpm", 10), ("dpm", 18), ("dpm", 35), ("ddim", 18), ("ddim", 35),
    ("ddim", 100), ("ddpm", 35), ("ddpm", 100),
)  # fmt: skip
RESAMPLES = 50


def spread_of(features: Tensor, real: Tensor) -> float:
    """Standard deviation of the distance when the generated pictures are drawn again from themselves."""
    generator, truth = torch.Generator().manual_seed(0), fitted(real)
    found = []
    for _ in range(RESAMPLES):
        again = features[torch.randint(len(features), (len(features),), generator=generator)]
        found.append(frechet_distance(fitted(again), truth))
    return float(torch.tensor(found).std())


def sampled(run: GenerativeRun, model: Any, eye: Eye, method: tuple[str, int], sheets: Path | None) -> Row:
    """One method: its scores and what it cost."""
    sampler, steps = method
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    watch = model.register_forward_hook(count)
    pixels, seconds = made(run, model, eye.n, steps=steps, sampler=sampler)
    watch.remove()
    if sheets:
        sheets.mkdir(parents=True, exist_ok=True)
        save_grid(sheets / f"{sampler}-{steps}.png", pixels[:64].float() / 255, 8)
    seen = look(eye.classifier, fitting(pixels, eye.classifier))
    row = {
        "sampler": sampler, "steps": steps, "evaluations": calls // -(-eye.n // 256),
        "seconds": seconds, "frechet_std": spread_of(seen.features, eye.real.features), **eye.row(seen),
    }  # fmt: skip
    print(
        f"{sampler:>5} {steps:4}: {row['evaluations']:4} evaluations, frechet {row['frechet']:.2f} "
        f"+- {row['frechet_std']:.2f}, sure {row['sure']:.2f}, {seconds:.0f} s", flush=True,
    )  # fmt: skip
    return row


def measure(seconds: float = 120, n: int = 512, longest: int = 1000, sheets: Path | None = None) -> Row:
    """Train, sample by every method, write `bench/results/samplers.json`."""
    recipe = find("ddpm_mnist")()
    assert isinstance(recipe, GenerativeRun)
    eye = Eye(n)
    model, course = trained(recipe, 0, seconds)
    rows = [sampled(recipe, model, eye, method, sheets) for method in (*METHODS, ("ddpm", longest))]
    heun, slow = rows[0], rows[-1]
    result = {
        "name": "samplers", "recipe": "ddpm_mnist", "trained": course, "n": 1, "pictures": n,
        "features": f"{eye.name}, 28 pixels; not Inception", "real": eye.floors(), "rows": rows,
        "fewer_evaluations": slow["evaluations"] / heun["evaluations"],
        "frechet_heun_less_ddpm": heun["frechet"] - slow["frechet"], "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / "samplers.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def main() -> None:
    """Read the command line and measure on one thread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--longest", type=int, default=1000)
    parser.add_argument("--sheets", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(args.seconds, args.n, args.longest, args.sheets)
    print(
        f"heun with 18 steps runs the network {result['fewer_evaluations']:.1f} times less often than "
        f"ancestral sampling; its distance is larger by {result['frechet_heun_less_ddpm']:.2f}"
    )


if __name__ == "__main__":
    main()
