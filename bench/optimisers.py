"""Optimisers at a fixed network, data and batch: how many steps each takes to a fixed loss.

A decoder of two blocks reads tiny Shakespeare; the loss is that of validation windows, the same for all. Each
optimiser gets the best rate of one grid, found on seeds of its own; rates are constant after a short
warm-up. A seed gives every optimiser the same first weights and the same batches, so steps are compared in
pairs. Who does not arrive is counted with the most steps there are.

Usage: python -m bench.optimisers [--seeds 10]. Goes on where it was interrupted; writes
results/optimisers.json.
"""

import argparse
import itertools
import json
import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import ttest_rel, wilcoxon

from bench.common import iqr
from bench.shakespeare import Kept, characters, nats, windows
from gradschool.engine.optim import Optim
from gradschool.models.language.gpt import gpt
from gradschool.runs.run import optimizer_for

OPTIMISERS: dict[str, dict[str, Any]] = {
    "SGD with momentum": {"name": "momentum", "momentum": 0.9},
    "RMSprop": {"name": "rmsprop", "momentum": 0.0},
    "Adam": {"name": "adam", "betas": (0.9, 0.95)},
    "AdamW": {"name": "adamw", "betas": (0.9, 0.95), "weight_decay": 0.1},
    "Muon": {"name": "muon", "momentum": 0.95, "betas": (0.9, 0.95)},
    "Lion": {"name": "lion", "momentum": 0.9, "weight_decay": 0.1},
}
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
TUNED = (1000, 1001)  # seeds on which the rates are chosen
WARMUP, EVERY = 20, 10  # steps


@dataclass(frozen=True)
class Setting:
    """What is the same for all.

    Args:
        goal: nats a character of the validation windows.
        most: steps.
        depth: blocks of the network.
        batch: windows a step.
        context: characters of a window.
    """

    goal: float = 2.1
    most: int = 600
    depth: int = 2
    batch: int = 8
    context: int = 64


class Race:
    """Trains from a seed until the loss is reached.

    Args:
        setting: network, batch and goal.
        file: the text; None: that of the data pack.
    """

    def __init__(self, setting: Setting, file: Path | None = None) -> None:
        self.setting = setting
        self.train, val, _, self.kinds = characters(file)
        self.held_out = windows(val, 32, setting.context, "held out")

    def steps(self, optim: Optim, seed: int, most: int) -> float:
        """Steps to the goal, between two looks by a straight line; `most` if it is not reached."""
        torch.manual_seed(seed)
        model = gpt(self.kinds, depth=self.setting.depth)
        optimizer, last = optimizer_for(model, optim, plain=False), float("inf")
        for step in range(most):
            # 1. A look every few steps; what has left all bounds does not come back.
            if step % EVERY == 0:
                with torch.no_grad():
                    loss = float(nats(model, *self.held_out))
                if not loss < 20:
                    return most
                if loss <= self.setting.goal:
                    return step - EVERY * (self.setting.goal - loss) / (last - loss)
                last = loss
            # 2. A step.
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * min(1, (step + 1) / WARMUP)
            batch = windows(self.train, self.setting.batch, self.setting.context, seed, step)
            optimizer.zero_grad()
            nats(model, *batch).backward()
            optimizer.step()
        return most


def tuned(race: Race, kept: Kept, name: str) -> float:
    """The rate of the grid with the fewest steps; no rate is followed further than the best one went."""
    best, fewest = RATES[0], float(race.setting.most * len(TUNED))
    for rate in RATES:
        optim = Optim(**{**OPTIMISERS[name], "learning_rate": rate})

        def work(optim: Optim = optim, fewest: float = fewest) -> list[float]:
            taken: list[float] = []
            for seed in TUNED:
                left = min(race.setting.most, math.ceil(fewest - sum(taken)))
                taken.append(race.steps(optim, seed, left))
            return taken

        taken = sum(kept.row(f"tuning, {name}, {rate:g}", work))
        if taken < fewest:
            best, fewest = rate, taken
    return best


def pairs(steps: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Every two optimisers: the median ratio of steps, and p of two tests on the pairs, Holm-corrected."""
    found: list[dict[str, Any]] = []
    for one, other in itertools.combinations(steps, 2):
        a, b = np.log(steps[one]), np.log(steps[other])
        equal = bool((a == b).all())
        found.append({
            "pair": [one, other], "ratio": float(np.exp(np.median(a - b))),
            "p_wilcoxon": 1.0 if equal else float(wilcoxon(a, b).pvalue),
            "p_t": 1.0 if equal else float(ttest_rel(a, b).pvalue),
        })  # fmt: skip
    for test in ("p_wilcoxon", "p_t"):
        before = 0.0
        for rank, row in enumerate(sorted(found, key=lambda row: row[test])):
            before = max(before, min(1.0, (len(found) - rank) * row[test]))
            row[f"{test}_holm"] = before
    return found


def measure(setting: Setting, seeds: int, file: Path | None = None) -> dict[str, Any]:
    """Tune, race, compare; every row is kept."""
    race = Race(setting, file)
    about = {"unit": f"steps to {setting.goal} nats", "n": seeds, "setting": vars(setting), "rates": RATES,
             "optimisers": OPTIMISERS, "tuned_on": TUNED}  # fmt: skip
    kept, steps, table = Kept("optimisers", about), {}, {}
    for name, numbers in OPTIMISERS.items():
        rate = tuned(race, kept, name)
        optim = Optim(**{**numbers, "learning_rate": rate})
        rows = []
        for seed in range(seeds):

            def work(optim: Optim = optim, seed: int = seed) -> dict[str, float]:
                start = time.process_time()
                taken = race.steps(optim, seed, setting.most)
                return {"steps": taken, "processor_seconds": time.process_time() - start}

            rows.append(kept.row(f"{name}, seed {seed}", work))
        steps[name] = [row["steps"] for row in rows]
        table[name] = {
            "rate": rate, "median": statistics.median(steps[name]),
            "iqr": iqr(steps[name]) if seeds > 1 else steps[name] * 2,
            "arrived": sum(taken < setting.most for taken in steps[name]),
            "processor_seconds": statistics.median(row["processor_seconds"] for row in rows),
        }  # fmt: skip
        print(f"{name:>18}: {table[name]['median']:6.0f} steps at rate {rate:g}", flush=True)
    ratio = table["Muon"]["median"] / table["Adam"]["median"]
    return kept.write({"table": table, "pairs": pairs(steps), "muon_to_adam": ratio, "wanted": 0.62})


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    torch.set_num_threads(1)
    found = measure(Setting(), parser.parse_args().seeds)
    print(json.dumps({"muon_to_adam": found["muon_to_adam"], "wanted": found["wanted"]}))


if __name__ == "__main__":
    main()
