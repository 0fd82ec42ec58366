"""How many runs of the network does a good picture cost? Samplers beside DDPM's own, of the same network.

Two copies of one network train for equal processor time: one predicts noise (`ddpm_mnist`), one is wrapped as
in EDM. Of each the same weights and the same starting noise are sampled by every method, with runs of the
network counted. Feature distances are to test digits, seen by a frozen classifier of ours; their spread is
that of resampled pictures (bootstrap). Heun's method with 18 steps of either network is set against 1,000
steps of DDPM.

Usage: python -m bench.samplers [--seconds 120] [--n 512] [--longest 1000] [--sheets FOLDER]
"""

import argparse
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import common
from bench.generators import Eye, Row, made, trained
from gradschool.evals.generation.frechet import fitted, frechet_distance
from gradschool.evals.pictures import save_grid
from gradschool.recipes import find
from gradschool.runs.generation.diffusion import DdpmRun, DiffusionRun, EdmRun
from gradschool.runs.generation.score import fitting, look

METHODS = {
    "ddpm": (
        ("heun", 18), ("heun", 9), ("dpm", 10), ("dpm", 18), ("dpm", 35), ("ddim", 18), ("ddim", 35),
        ("ddim", 100), ("ddpm", 35), ("ddpm", 100),
    ),
    "edm": (("heun", 18), ("heun", 9), ("heun", 5), ("dpm", 10), ("dpm", 18), ("dpm", 35)),
}  # fmt: skip
RESAMPLES = 50


def networks() -> dict[str, DiffusionRun]:
    """The same U-Net, batches, rate and average, trained in two ways."""
    ddpm = find("ddpm_mnist")()
    assert isinstance(ddpm, DdpmRun)
    shared = {f.name: getattr(ddpm, f.name) for f in fields(DiffusionRun)}
    return {"ddpm": ddpm, "edm": EdmRun(**{**shared, "sampler": "heun", "sampler_steps": 18})}


def spread_of(features: Tensor, real: Tensor) -> float:
    """Standard deviation of the distance when the generated pictures are drawn again from themselves."""
    generator, truth = torch.Generator().manual_seed(0), fitted(real)
    found = []
    for _ in range(RESAMPLES):
        again = features[torch.randint(len(features), (len(features),), generator=generator)]
        found.append(frechet_distance(fitted(again), truth))
    return float(torch.tensor(found).std())


def sampled(
    name: str, run: DiffusionRun, model: Any, eye: Eye, method: tuple[str, int], sheets: Path | None
) -> Row:
    """One method of one network: its scores and what it cost."""
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
        save_grid(sheets / f"{name}-{sampler}-{steps}.png", pixels[:64].float() / 255, 8)
    seen = look(eye.classifier, fitting(pixels, eye.classifier))
    row = {
        "network": name, "sampler": sampler, "steps": steps, "evaluations": calls // -(-eye.n // 256),
        "seconds": seconds, "frechet_std": spread_of(seen.features, eye.real.features), **eye.row(seen),
    }  # fmt: skip
    print(
        f"{name:>5} {sampler:>5} {steps:4}: {row['evaluations']:4} evaluations, frechet {row['frechet']:.2f} "
        f"+- {row['frechet_std']:.2f}, sure {row['sure']:.2f}, {seconds:.0f} s", flush=True,
    )  # fmt: skip
    return row


def measure(seconds: float = 120, n: int = 512, longest: int = 1000, sheets: Path | None = None) -> Row:
    """Train, sample by every method, write `bench/results/samplers.json`."""
    eye, rows, courses = Eye(n), list[Row](), dict[str, Row]()
    for name, run in networks().items():
        model, courses[name] = trained(run, 0, seconds)
        print(f"{name}: {courses[name]}", flush=True)
        methods = METHODS[name] if name != "ddpm" else (*METHODS[name], ("ddpm", longest))
        rows += [sampled(name, run, model, eye, method, sheets) for method in methods]
    slow = next(row for row in rows if (row["sampler"], row["steps"]) == ("ddpm", longest))
    heun = {row["network"]: row for row in rows if (row["sampler"], row["steps"]) == ("heun", 18)}
    result = {
        "name": "samplers", "recipe": "ddpm_mnist", "trained": courses, "n": 1, "pictures": n,
        "features": f"{eye.name}, 28 pixels; not Inception", "real": eye.floors(), "rows": rows,
        "fewer_evaluations": slow["evaluations"] / heun["edm"]["evaluations"],
        "frechet_heun_less_ddpm": {name: row["frechet"] - slow["frechet"] for name, row in heun.items()},
        "machine": common.machine(),
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
        f"ancestral sampling; its distance is larger by {result['frechet_heun_less_ddpm']}"
    )


if __name__ == "__main__":
    main()
