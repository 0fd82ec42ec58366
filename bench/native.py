"""Pictures at their own sizes beside squares: packed patches, global pooling, a pyramid; equal time.

Usage: python -m bench.native [--seeds 3] [--seconds 900] [--side 64] [--data PATH]. Without --data the
photographs of natural_animals are cut to the boxes around their animals, so that their sizes differ.
`native` and `square` are transformers of the same width, depth and patch with the settings of the recipe
`native`; `mean` and `pyramid` are a convolutional network on pictures at their own sizes with global pooling
and with spatial pyramid pooling, `stretched` the first of them on squares. Who has used less processor time
takes the next step. Goes on after the last finished seed; writes results/native.json.
"""

import argparse
import csv
import io
import statistics
import zipfile
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from bench import seeded
from bench.by_clock import ByClock, side_by_side
from bench.pooled import PooledRun
from bench.shakespeare import Kept
from gradschool.data.augment.pipeline import Augment
from gradschool.data.catalogue import resolve
from gradschool.data.vision.sized.rows import in_order
from gradschool.engine.device import choose
from gradschool.evals.classification.metrics import wilson
from gradschool.models.vision.vit import plain_vit
from gradschool.recipes.own.native import native
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.classification.native import NativeRun, logits_of
from gradschool.runs.run import Run

BOXES = Path("runs", "native", "boxes.zip")
LEAST = 8  # pixels of a side of a box: the side of a patch


def boxes(animals: Path, made: Path) -> Path:
    """The zip of natural_animals with every photograph cut to the box of its animal, a pixel more at most.

    Args:
        animals: the zip, with index.csv.
        made: the new one; it is made once.
    """
    if made.exists():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    beside = made.with_suffix(".part")
    with zipfile.ZipFile(animals) as old, zipfile.ZipFile(beside, "w") as new:
        for row in csv.DictReader(io.StringIO(old.read("index.csv").decode())):
            image, out = Image.open(io.BytesIO(old.read(row["file"]))), io.BytesIO()
            left, top, right, below = (int(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
            corners = left, top, max(right + 1, left + LEAST), max(below + 1, top + LEAST)
            image.crop(corners).save(out, "PNG")
            new.writestr(zipfile.ZipInfo(str(Path(row["file"]).with_suffix(".png"))), out.getvalue())
    return beside.replace(made)


def runs(data: str, side: int, changes: dict[str, Any], width: int = 24) -> dict[str, Run]:
    """All sides' settings: the recipe, the same network and training on squares of `side` pixels, and the
    convolutional network of `width` channels in three ways.
    """
    ours = replace(native(), data=data, val=0.0, **changes)
    shared = {
        name: getattr(ours, name)
        for name in ("data", "val", "batch_size", "learning_rate", "weight_decay", "warmup", "clip",
                     "label_smoothing", "optimizer", "schedule", "threads", "precision")
    }  # fmt: skip
    options = {**ours.model_options, "patch": ours.patch}
    square = ImageRun(
        model=plain_vit, model_options=options, image_size=side, augment=Augment(flip=ours.flip), **shared
    )
    pooled = PooledRun(**{each.name: getattr(ours, each.name) for each in fields(ours)}, width=width)
    return {
        "native": ours, "square": square, "mean": pooled, "pyramid": replace(pooled, pooling="pyramid"),
        "stretched": replace(pooled, square=side),
    }  # fmt: skip


class Side(ByClock):
    """One network on its way, by a clock of its own."""

    def __init__(self, run: Run, seed: int, seconds: float) -> None:
        super().__init__(run, "native", seed, choose("cpu", run.precision), seconds)
        self.run = run

    def answers(self) -> Tensor:
        """The logits of the test part."""
        model, test, pipeline = self.pieces.model, self.pieces.splits.test, self.pieces.pipeline
        if isinstance(self.run, NativeRun):
            return logits_of(model, in_order(test, pipeline, self.run.batch_size), self.machine)
        assert isinstance(self.run, ImageRun)
        return self.run.answers(model, test, pipeline, self.machine)[0]

    def scores(self) -> dict[str, Any]:
        """Of the last weights."""
        labels = self.pieces.splits.test.labels
        right = int((self.answers().argmax(1) == labels).sum())
        return {
            "accuracy": right / len(labels), "interval": wilson(right, len(labels)), "tested": len(labels),
            "epochs": self.steps / len(self.pieces.batches), **super().scores(),
        }  # fmt: skip


def compared(both: dict[str, Run], seed: int, seconds: float) -> dict[str, dict[str, Any]]:
    """All sides from one seed, step by step in turn."""
    sides = {name: Side(run, seed, seconds) for name, run in both.items()}
    side_by_side(sides.values())
    found = {name: side.scores() for name, side in sides.items()}
    for pair in (("native", "square"), ("mean", "stretched")):
        assert len({found[name]["parameters"] for name in pair}) == 1, "both have the same network"
    assert len({each["tested"] for each in found.values()}) == 1, "all are tested on the same pictures"
    return found


def patches_of(side: Side) -> dict[str, float]:
    """How many patches a picture has in the mean, and the share of the rows that is padding."""
    batch = next(iter(side.pieces.batches.epoch(0)))
    filled, pictures = int((batch[2] >= 0).sum()), len(batch[3])
    return {"patches": filled / pictures, "padding": 1 - filled / batch[2].numel()}


def measured(
    data: str, seeds: int = 3, seconds: float = 900.0, side: int = 64, width: int = 24, **changes: Any
) -> dict[str, Any]:
    """The bench; what it writes.

    Args:
        data: a folder or zip of class folders.
        seeds: from 0.
        seconds: of the processor, for each side and seed.
        side: of the squares, in pixels.
        width: of the convolutional network.
        changes: settings of the recipe.
    """
    both, name = runs(data, side, changes, width), Path(data).name
    about = {"data": name, "cpu_seconds_each": seconds, "side": side, "width": width, "settings": changes}
    kept = Kept("native", about)
    rows = [kept.row(str(seed), partial(compared, both, seed, seconds)) for seed in range(seeds)]
    summary = {}
    for kind in both:
        values = [row[kind]["accuracy"] for row in rows]
        summary[kind] = {
            "mean": statistics.mean(values), "median": statistics.median(values),
            "interval": seeded.interval(values), "accuracies": values,
        }  # fmt: skip
    gain = gained(rows, "native", "square")
    pooled = {name: gained(rows, name, "stretched") for name in ("mean", "pyramid")}
    packed = patches_of(Side(both["native"], 0, seconds))
    return kept.write({"n": seeds, **summary, "gain": gain, "pooled_gain": pooled, "native_batch": packed,
                       "pixels": {"native": pixels_of(both["native"]), "square": side**2},
                       "threads": torch.get_num_threads()})  # fmt: skip


def gained(rows: list[dict[str, Any]], name: str, other: str) -> dict[str, Any]:
    """What one side is ahead of another, paired by seed."""
    gains = [row[name]["accuracy"] - row[other]["accuracy"] for row in rows]
    return {"mean": statistics.mean(gains), "interval": seeded.interval(gains), "each": gains}


def pixels_of(run: Run) -> float:
    """Pixels of a training picture at its own size, in the mean."""
    sizes: Tensor = run.open(0).train.sizes
    return float(sizes.double().prod(1).mean())


def main() -> None:
    """Measure with one thread, and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("seeds", 3), ("seconds", 900.0), ("side", 64)):
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    parser.add_argument("--data")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = args.data
    if data is None:
        _, place = resolve("natural_animals")
        assert place is not None, "its photographs lie in a file"
        data = str(boxes(place, BOXES))
    found = measured(data, args.seeds, args.seconds, args.side)
    for kind in ("native", "square", "mean", "pyramid", "stretched"):
        print(f"{kind:<9} {100 * found[kind]['mean']:.1f} %  {found[kind]['interval']}")
    gains = {"packed": found["gain"], **found["pooled_gain"]}
    for name, gain in gains.items():
        print(f"{name:<9} {100 * gain['mean']:+.1f} points over squares  {gain['interval']}")


if __name__ == "__main__":
    main()
