"""GPTs on the characters of tiny Shakespeare: nats a character of its last 55,690, alone and with a 7-gram.

Usage: python -m bench.gpt [--seeds 3] [--minutes M] [RECIPE ...]. Each recipe is trained on the characters
before these with its own budget of time. The weight of a mixture is chosen on the validation part, and
nothing by the test part. The n-gram models come first: they take seconds, and a network that does not beat
them has learnt little. A seed that is finished is not trained again. The result is results/gpt.json; with
other minutes these are in its name.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import common
from bench.accuracy import spread, train_one
from gradschool.engine.run import RunFolder
from gradschool.recipes import find
from gradschool.runs.settings import to_dict

GOALS = {"shakespeare_gpt_short": 1.55, "shakespeare_gpt": 1.36}
MIXED = 1.32  # goal of shakespeare_gpt mixed with the 7-gram


def measure(recipes: list[str], minutes: float | None, seeds: int, threads: int) -> dict[str, Any]:
    """Train every recipe with every seed; n-gram models, networks and mixtures in one table."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    models: dict[str, Any] = {}
    baselines: dict[str, float] = {}
    for name in recipes:
        run = find(name)()
        run = replace(run, minutes=minutes or run.minutes)
        label = f"{name}-{run.minutes:g}-minutes"
        runs = [train_one(run, label, threads, seed) for seed in range(seeds)]
        results = [
            RunFolder(Path("runs") / "accuracy" / f"{label}-{s}").read("result.json") for s in range(seeds)
        ]
        baselines = results[0]["baselines"]
        models[name] = {
            "nats": spread([each["test_loss"] for each in runs]),
            "mixed": spread([each["mixture"]["test_loss"] for each in results]),
            "mixtures": [each["mixture"] for each in results],
            "steps": [each["steps"] for each in results], "minutes": run.minutes, "goal": GOALS.get(name),
            "runs": runs, "settings": to_dict(run),
        }  # fmt: skip
    return {
        "name": "gpt", "unit": "nats a character", "n": seeds, "threads": threads, "baselines": baselines,
        "models": models, "goal_mixed": MIXED, "load_at_start": load, "machine": common.machine(),
    }  # fmt: skip


def rows(found: dict[str, Any]) -> list[tuple[str, float]]:
    """The table, n-gram models first: name and nats a character, the median of the seeds."""
    table = list(found["baselines"].items())
    for name, model in found["models"].items():
        table.append((name, model["nats"]["median"]))
        table.append((f"{name} and the {model['mixtures'][0]['beside']}", model["mixed"]["median"]))
    return table


def main() -> None:
    """Read the command line, measure, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=list(GOALS))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    found = measure(asked.recipes, asked.minutes, asked.seeds, asked.threads)
    name = f"gpt-{asked.minutes:g}-minutes" if asked.minutes else "gpt"
    (common.RESULTS / f"{name}.json").write_text(json.dumps(found | {"name": name}, indent=1) + "\n")
    for row, nats in rows(found):
        print(f"{row:<40} {nats:.3f}")


if __name__ == "__main__":
    main()
