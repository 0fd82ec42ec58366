"""Ways to transfer side by side: 20 photographs of each of 16 animals, and 800 others to test on.

Usage: python -m bench.transfer_methods [--rows NAME ...] [--seeds 3] [--set KEY=VALUE]. The rows are those of
`gradschool ladder --what transfer`, and two of a body that has learnt Japanese letters alone (bench.bodies);
the frozen ones take minutes of one core, the others hours. A seed draws its own 20 photographs and its own
head. Goes on where it was interrupted; writes results/transfer_methods.json.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from bench import bodies, seeded
from bench.accuracy import train_one
from gradschool.data.augment.pipeline import Augment
from gradschool.practice.transfer import ways
from gradschool.recipes.transfer.fewshot_animals import fewshot_animals
from gradschool.recipes.transfer.transfer import transfer
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.settings import override, to_dict

SHOTS = 20


def base(changes: Sequence[str] = ()) -> TransferRun:
    """What all rows share: the settings of the recipe `transfer` on the few-shot animals."""
    few = fewshot_animals()
    run = replace(
        transfer(), data=few.data, backbone=few.backbone, kept_size=few.kept_size, shots=SHOTS,
        flip_test=False, epochs=20, evaluations=1,
    )  # fmt: skip
    return override(run, changes, "transfer")


def rows(run: TransferRun) -> dict[str, TransferRun]:
    """Every row's settings by name; those of the body of letters name weights that may not be there yet."""
    found = ways(run)
    odd = replace(run, pretrained=False, weights="letters")
    return found | {
        "letters, fine-tuned": odd,
        "letters, frozen": replace(odd, mode="frozen", augment=Augment()),
    }


def trained_parameters(run: TransferRun, classes: int = 16) -> int:
    """How many numbers a run learns; of a frozen body none are counted."""
    with torch.device("meta"):
        model = run.build_model(classes, 3)
    part: nn.Module = model.get_submodule("head") if run.mode == "frozen" else model
    return sum(p.numel() for p in part.parameters() if p.requires_grad)


def measure(name: str, chosen: Mapping[str, TransferRun], seeds: int) -> None:
    """Train every row with every seed; the file is written after each row."""
    for row, run in chosen.items():
        if run.weights == "letters":
            run = replace(run, weights=str(bodies.letters(run)))
        label = f"{name}-{row.replace(',', '').replace(' ', '-')}"
        runs = [train_one(run, label, torch.get_num_threads(), seed) for seed in range(seeds)]
        scores = [each["test_accuracy"] for each in runs]
        found: dict[str, Any] = {
            "row": row, "n": len(runs), "mean": statistics.mean(scores), "min": min(scores), "max":
            max(scores), "interval": seeded.interval(scores), "trained_parameters": trained_parameters(run),
            "runs": runs, "settings": to_dict(run),
        }  # fmt: skip
        bodies.write(name, [found], "row")
        shown = ("row", "mean", "interval", "trained_parameters")
        print(json.dumps({key: found[key] for key in shown}), flush=True)


def options(about: str | None, names: Sequence[str]) -> argparse.Namespace:
    """The rows, seeds and changed settings that are asked for."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rows", nargs="*", default=names, choices=names)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


def main() -> None:
    """Train what is asked for and write the file."""
    args = options(__doc__, list(rows(base())))
    every = rows(base(args.set))
    measure("transfer_methods", {name: every[name] for name in args.rows}, args.seeds)


if __name__ == "__main__":
    main()
