"""What the benches of transfer share: bodies, useful or not, and rows with intervals.

A body is asked for by name. `own`: EfficientNet-Lite0 as published, normalised as it was trained. `wrong`:
the same with the mean and deviation that most other networks of ImageNet take. `random`: the same network
with random weights. `letters`: the same network trained on Japanese letters (kmnist10k, 32 pixels, 3 epochs)
and on nothing else. `pixels`: no network, the picture itself at 16 by 16 pixels.
"""

import argparse
import json
import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench import common, seeded
from gradschool.data.augment.pipeline import Augment
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.practice.ladder import Rung
from gradschool.practice.probes import Seen, seen
from gradschool.recipes.transfer.fewshot_animals import fewshot_animals
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.request import Request
from gradschool.runs.train import train

BODIES = ("own", "wrong", "random", "letters", "pixels")
USUAL = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}  # of most networks that know ImageNet
LETTERS, SMALL = "kmnist10k", 16


def options(about: str | None, names: Sequence[str] = BODIES, draws: int = 20) -> argparse.Namespace:
    """Bodies, draws and changed settings that are asked for."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--bodies", nargs="*", default=names, choices=names)
    parser.add_argument("--draws", type=int, default=draws)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


def start(name: str, base: TransferRun | None = None) -> TransferRun:
    """The settings of a run that begins with a body; for `letters` it is trained now, unless it is there."""
    run = replace(base or fewshot_animals(), shots=None)
    if name == "wrong":
        return replace(run, learnt_from=USUAL)
    if name == "random":
        return replace(run, pretrained=False, weights=None)
    return replace(run, pretrained=False, weights=str(letters(run))) if name == "letters" else run


def letters(run: TransferRun) -> Path:
    """The weights of a body that has learnt Japanese letters from scratch."""
    folder = RunFolder(Path("runs") / "transfer" / f"{run.backbone}-letters")
    if not folder.read("result.json"):
        side = run.image_size or 32
        task = replace(
            run, data=LETTERS, mode="scratch", pretrained=False, weights=None, image_size=side, epochs=3,
            batch_size=64, augment=Augment(), optimizer="adamw", learning_rate=2e-3, evaluations=1,
        )  # fmt: skip
        folder = train(task, Request("transfer", out=folder.path))
    return folder.path / "model.safetensors"


def looked_at(name: str, parts: Sequence[Images], base: TransferRun | None = None) -> list[Seen]:
    """What a body makes of pictures; `pixels` leaves them as they are, small."""
    if name != "pixels":
        return seen(start(name, base), parts)
    return [Seen(small(each), each.labels, each.classes) for each in parts]


def small(images: Images) -> torch.Tensor:
    """Pictures as rows of numbers (n, 3 x 16 x 16)."""
    pixels = images.pixels.float() / 255
    found = torch.nn.functional.interpolate(pixels, (SMALL, SMALL), mode="bilinear", antialias=True)
    return found.flatten(1)


def told(rungs: Iterator[Rung], **facts: Any) -> Iterator[dict[str, Any]]:
    """Rows with means and intervals of the mean over draws."""
    for rung in rungs:
        scores = list(rung.test)
        yield {
            **facts, "row": rung.name, "n": len(scores), "mean": statistics.mean(scores), "min": min(scores),
            "max": max(scores), "interval": seeded.interval(scores), "seconds": rung.seconds,
            "accuracies": scores, "train": statistics.mean(rung.train),
        }  # fmt: skip


def write(name: str, rows: Sequence[Mapping[str, Any]], key: str, **about: Any) -> None:
    """Write the result file; rows of an earlier call with other values of `key` stay."""
    path, new = common.RESULTS / f"{name}.json", {row[key] for row in rows}
    common.RESULTS.mkdir(parents=True, exist_ok=True)
    old = json.loads(path.read_text())["rows"] if path.exists() else []
    kept = [row for row in old if row[key] not in new]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    facts = {"name": name, **about, "rows": [*kept, *rows], "load": load, "machine": common.machine()}
    path.write_text(json.dumps(facts, indent=1) + "\n")
