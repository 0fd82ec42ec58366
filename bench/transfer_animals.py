"""natural_animals with frozen features: accuracy over seeds, and what the features cost.

Usage: python -m bench.transfer_animals [--seeds 3] [--set KEY=VALUE]. The features of all photographs come
from the cache where they are there; so that this hides nothing, those of 512 are computed anew, and their
processor seconds are scaled to all photographs of the set. Wanted: 92 % in 300 seconds. Writes
results/transfer_animals.json; the runs stay under runs/accuracy.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from unittest import mock

import torch

from bench import common, seeded
from bench.accuracy import train_one
from gradschool.practice.probes import seen
from gradschool.recipes.transfer.natural_animals_transfer import natural_animals_transfer
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.settings import override, to_dict

SOME, WANTED = 512, {"test_accuracy": 0.92, "seconds": 300}


def cost(run: TransferRun) -> dict[str, float]:
    """Processor seconds of the features of some photographs, and scaled to all of the set; no cache helps."""
    splits = run.opened(0, 0.0)
    count = min(SOME, len(splits.train))
    some = splits.train.take(
        torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(0))[:count]
    )
    with (
        tempfile.TemporaryDirectory() as empty,
        mock.patch.dict(os.environ, {"GRADSCHOOL_CACHE": empty}),
    ):
        seen(
            run, [some.take(torch.arange(1))]
        )  # the machine's choice of precision, and all that is loaded once
        start = time.process_time()
        seen(run, [some])
        spent = time.process_time() - start
    every = len(splits.train) + len(splits.test)
    return {"photographs": count, "processor_seconds": spent, "all_photographs": every,
            "scaled": spent * every / count}  # fmt: skip


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    run = override(natural_animals_transfer(), args.set, "natural_animals_transfer")
    runs = [
        train_one(run, "natural_animals_transfer", torch.get_num_threads(), seed)
        for seed in range(args.seeds)
    ]
    scores = [each["test_accuracy"] for each in runs]
    found = {
        "name": "transfer_animals", "n": len(runs), "mean": statistics.mean(scores), "min": min(scores),
        "max": max(scores), "interval": seeded.interval(scores), "wanted": WANTED, "features": cost(run),
        "runs": runs, "settings": to_dict(run), "threads": torch.get_num_threads(),
        "machine": common.machine(),
    }  # fmt: skip
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    (common.RESULTS / "transfer_animals.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({key: found[key] for key in ("mean", "interval", "features")}))


if __name__ == "__main__":
    main()
