"""How far larger batches save steps: steps and examples to a goal over batch sizes, each with its best rate.

Usage: python -m bench.batch_size [--recipe mnist] [--sizes 16 32 ...] [--goal 0.1] [--seeds 3] [--examples N]
[--looks 60]. A constant rate, several around the one that goes with the root of the batch size; the fewest
steps to the loss `goal` on the validation part count. The law is that of McCandlish et al. 2018, eq. 2.11,
steps = least steps (1 + critical batch / batch), fitted by non-negative least squares on relative errors.
Goes on after the last finished run; writes results/batch_size.json.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls

from bench.seeded import interval
from bench.shakespeare import Kept
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train

ROOT = Path("runs", "batch_size")
AROUND = (0.25, 0.5, 1.0, 2.0, 4.0)  # times the rate that goes with the root of the batch size


def steps_to(folder: RunFolder, goal: float) -> int | None:
    """The first step after which the validation loss was at most the goal; None: never."""
    looks = [line for line in folder.metrics() if "val_loss" in line]
    return next((int(line["step"]) for line in looks if line["val_loss"] <= goal), None)


def of_run(
    recipe: str, size: int, factor: float, seed: int, goal: float, examples: int, looks: int
) -> dict[str, Any]:
    """One run with a batch size and a rate: its rate, and the steps to the goal."""
    base = find(recipe)()
    rate = base.learning_rate * (size / base.batch_size) ** 0.5 * factor
    steps = max(looks, examples // size)
    run = replace(
        base, batch_size=size, learning_rate=rate, schedule="constant", warmup=0.0, ema=None, val=0.1,
        split_seed=0, evaluations=looks, save_every=1e9,
    )  # fmt: skip
    place = ROOT / recipe / f"{size}-{factor:g}-{seed}"
    folder = RunFolder(place)
    if not folder.read("result.json"):
        folder = train(run, Request(recipe, seed, steps, out=place), silent)
    return {"rate": rate, "steps": steps_to(folder, goal), "most": steps}


def best(runs: Mapping[float, Sequence[dict[str, Any]]]) -> dict[str, Any] | None:
    """The rate with the fewest steps in the median of the seeds, of those that always arrive; None: none."""
    arrived = {
        factor: statistics.median(one["steps"] for one in each)
        for factor, each in runs.items()
        if all(one["steps"] is not None for one in each)
    }
    if not arrived:
        return None
    factor = min(arrived, key=lambda each: arrived[each])
    return {
        "factor": factor, "rate": runs[factor][0]["rate"], "steps": arrived[factor],
        "each": [one["steps"] for one in runs[factor]], "at_edge": factor in (AROUND[0], AROUND[-1]),
    }  # fmt: skip


def law(sizes: Sequence[float], steps: Sequence[float]) -> dict[str, float | None]:
    """Least steps, least examples and the critical batch size, at which both are twice the least."""
    b, s = np.asarray(sizes, dtype=float), np.asarray(steps, dtype=float)
    rows = np.stack([np.ones_like(b), 1 / b], 1) / s[:, None]
    (least, examples), _ = nnls(rows, np.ones_like(b))
    # Where steps fall as 1 / batch to the end, nothing but rounding is left of the least steps.
    critical = float(examples / least) if least > 1e-6 * s.min() else None
    return {"least_steps": float(least), "least_examples": float(examples), "critical_batch": critical}


def of_rates(sizes: Sequence[float], rates: Sequence[float]) -> float | None:
    """The power of the batch size that the best rate follows; 0.5 is the root, 1 is linear scaling."""
    if len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(rates), 1)[0])


def main() -> None:
    """Train, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="mnist")
    parser.add_argument("--sizes", type=int, nargs="*", default=[16, 32, 64, 128, 256, 512, 1024, 2048])
    parser.add_argument("--goal", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--examples", type=int, default=200_000)
    parser.add_argument("--looks", type=int, default=60)
    args = parser.parse_args()
    about = {name: getattr(args, name) for name in ("recipe", "goal", "examples", "looks")}
    kept, table = Kept("batch_size", about), {}
    for size in args.sizes:
        runs = {
            factor: [
                kept.row(
                    f"{size} {factor:g} {seed}",
                    partial(of_run, args.recipe, size, factor, seed, args.goal, args.examples, args.looks),
                )
                for seed in range(args.seeds)
            ]
            for factor in AROUND
        }
        found = best(runs)
        if found is None:
            print(f"{size:>6}  the goal is not reached")
            continue
        table[str(size)] = found | {"interval": interval([float(each) for each in found["each"]])}
        print(f"{size:>6}  {found['steps']:>8,.0f} steps  {size * found['steps']:>10,.0f} examples  "
              f"rate {found['rate']:.3g}")  # fmt: skip
    sizes = [float(size) for size in table]
    fitted = law(sizes, [each["steps"] for each in table.values()]) if len(table) > 1 else None
    power = of_rates(sizes, [each["rate"] for each in table.values()])
    if fitted:
        print(f"critical batch size {fitted['critical_batch']}, best rate ~ batch^{power:.2f}")
    kept.write({"n": args.seeds, "threads": torch.get_num_threads(), "sizes": table, "law": fitted,
                "rate_power": power})  # fmt: skip


if __name__ == "__main__":
    main()
