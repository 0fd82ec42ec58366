"""Weights of 8 and 4 bits: what a language model loses, how small it becomes, how fast it is then.

Usage: python -m bench.compress [--recipe gpt] [--minutes 3] [--seeds 3]. Trains with every seed (a run folder
each, so the same command goes on where it was stopped), then compresses copies. Loss in bits a byte of the
test part; size of the weights; tokens a second of the processor, drawn one by one with a cache. Writes
results/compress.json, or with fewer minutes a file with them in its name.
"""

import argparse
import copy
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench import common
from bench.accuracy import spread, train_one
from gradschool.engine.run import RunFolder
from gradschool.evals.language.stepping import CachedStep
from gradschool.nn.integers import bytes_of
from gradschool.recipes import find
from gradschool.runs.language.exams.tasks import Examined, cost_of
from gradschool.runs.language.exams.weights import BITS, compressed
from gradschool.runs.reopen import reopen

FULL, DRAWN = 3.0, 64  # minutes of training, and tokens that are drawn for the speed


def speed(model: Any, repeats: int = 3) -> float:
    """Tokens a second of the processor, the best of some rounds."""
    found = []
    for _ in range(repeats):
        step, tokens = CachedStep(model, DRAWN + 1), torch.zeros(1, 1, dtype=torch.int64)
        start = time.process_time()
        for _ in range(DRAWN):
            tokens = torch.cat([tokens, step(tokens, torch.tensor([0])).argmax(1, keepdim=True)], 1)
        found.append(DRAWN / (time.process_time() - start))
    return max(found)


def measured(folder: RunFolder) -> dict[str, dict[str, float]]:
    """One run, as it was trained and with weights of 8 and 4 bits."""
    asked: Examined = reopen(folder)[0].examined(folder)
    tokens, found = asked.splits().test.tokens, {}
    for name in ("float32", *BITS):
        model = copy.deepcopy(asked.model)
        if name in BITS:
            compressed(model, name)  # type: ignore[arg-type]
        cost = cost_of(replace(asked, model=model), tokens)
        found[name] = {
            "bits_per_byte": cost.bits_per_byte,
            "bytes": bytes_of(model),
            "tokens/s": speed(model),
        }
    return found


def main() -> None:
    """Read the command line, train, compress, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="gpt")
    parser.add_argument("--minutes", type=float, default=FULL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    run = replace(find(asked.recipe)(), minutes=asked.minutes)
    label = f"{asked.recipe}-{asked.minutes:g}-minutes"
    # 1. Train, and compress.
    runs = []
    for seed in range(asked.seeds):
        train_one(run, label, asked.threads, seed)
        runs.append(measured(RunFolder(Path("runs") / "accuracy" / f"{label}-{seed}")))
    # 2. A row for each kind of weights; a loss is compared with that of the same run.
    rows = {}
    for name in runs[0]:
        lost = [each[name]["bits_per_byte"] - each["float32"]["bits_per_byte"] for each in runs]
        rows[name] = {"lost_bits_per_byte": spread(lost)} | {
            key: spread([each[name][key] for each in runs]) for key in ("bits_per_byte", "bytes", "tokens/s")
        }
    name = "compress" if asked.minutes == FULL else f"compress-{asked.minutes:g}-minutes"
    result = {
        "name": name, "n": asked.seeds, "recipe": asked.recipe, "minutes": asked.minutes, "weights": rows,
        "runs": runs, "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for name, row in rows.items():
        middle = {key: each["median"] for key, each in row.items() if each}
        size, bits = middle["bytes"] / 1e6, middle["bits_per_byte"]
        worse, rate = middle["lost_bits_per_byte"], middle["tokens/s"]
        print(f"{name:<8} {size:7.2f} MB  {bits:.4f} bits a byte ({worse:+.4f})  {rate:,.0f} tokens/s")


if __name__ == "__main__":
    main()
