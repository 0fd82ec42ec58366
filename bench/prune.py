"""What pruning costs and brings: shares of weights and of channels, seed by seed.

Usage: python -m bench.prune [--seeds 3] [--recipe mnist] [--shares 0.5 0.8 0.9 0.95] [--epochs E] [--steps S]
Every seed trains the recipe once; each share is cut from it, by weight and by channel, and trained on.
Accuracy before, when cut and after; files, plain and compressed; latency in turn with the whole network. Goes
on after the last finished run; writes results/prune.json.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.seeded import interval
from bench.shakespeare import Kept
from gradschool.engine.run import RunFolder
from gradschool.practice.prune import Wanted, prune
from gradschool.recipes import find
from gradschool.runs.classification.pruned import By
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train

ROOT = Path("runs", "prune")
WAYS: tuple[By, ...] = ("weight", "channel")


def of_seed(
    recipe: str, shares: Sequence[float], epochs: float | None, steps: int | None, seed: int
) -> dict[str, Any]:
    """What each way and share is worth for the run of a seed."""
    place = ROOT / recipe / str(seed)
    whole = RunFolder(place / "whole")
    if not whole.read("result.json"):
        run = find(recipe)()
        whole = train(
            replace(run, epochs=epochs or run.epochs), Request(recipe, seed, out=whole.path), silent
        )
    found = {}
    for by in WAYS:
        for share in shares:
            folder = RunFolder(place / f"{by}-{share:g}")
            if "pruning" not in folder.read("result.json"):
                wanted = Wanted(share, by, out=folder.path, steps=steps)
                folder = prune(str(whole.path), wanted, silent)
            found[f"{by} {share:g}"] = folder.read("result.json")["pruning"]
    return found


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds: accuracy lost with its interval, ratios of sizes and of latency."""
    table: dict[str, Any] = {}
    for name in rows[0]:
        each = [row[name] for row in rows]
        lost = [one["accuracy"]["before"] - one["accuracy"]["trained"] for one in each]
        at_once = [one["accuracy"]["before"] - one["accuracy"]["cut"] for one in each]
        times = {
            size: statistics.median(
                one["milliseconds"][size][0]["median"] / one["milliseconds"][size][1]["median"]
                for one in each
            )
            for size in each[0]["milliseconds"]
        }
        table[name] = {
            "lost": statistics.mean(lost), "lost_interval": interval(lost),
            "lost_when_cut": statistics.mean(at_once), "times_as_fast": times,
            **{
                kind: statistics.mean(one["bytes"][0][kind] / one["bytes"][1][kind] for one in each)
                for kind in ("file", "compressed")
            },
        }  # fmt: skip
    return table


def main() -> None:
    """Train, prune, sum up, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", default="mnist")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.5, 0.8, 0.9, 0.95])
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--steps", type=int)
    args = parser.parse_args()
    about = {"recipe": args.recipe, "shares": args.shares, "epochs": args.epochs, "steps": args.steps}
    kept = Kept("prune", about)
    work = partial(of_seed, args.recipe, args.shares, args.epochs, args.steps)
    table = summed([kept.row(str(seed), partial(work, seed)) for seed in range(args.seeds)])
    for name, row in table.items():
        fast = ", ".join(f"{ratio:.2f}x at {size}" for size, ratio in row["times_as_fast"].items())
        print(
            f"{name:<14} lost {100 * row['lost']:+.2f} points {row['lost_interval']} "
            f"({100 * row['lost_when_cut']:+.2f} when cut)  file {row['file']:.2f}x, compressed "
            f"{row['compressed']:.2f}x smaller  {fast}"
        )
    kept.write({"n": args.seeds, "threads": torch.get_num_threads(), "table": table})


if __name__ == "__main__":
    main()
