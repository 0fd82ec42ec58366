"""When do tuned weights of an ensemble lose to the plain mean? Five different networks, ten seeds, two sets.

Usage: python -m bench.ensembles [--seeds 10] [--sets digits kmnist10k] [--folds 5] [--epochs E]. Each
network is trained over folds. `val`: the networks of the first fold, weights fitted on that fold, as with one
validation part. `oof`: the networks of all folds, weights fitted on all out-of-fold predictions. `sizes`:
the same with so many of these predictions. Soups are of networks of one architecture, from different starts
(`soup`), and of the last checkpoints of one run (`snapshots`). Goes on after the last finished fold; writes
results/ensembles.json.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import common
from bench.seeded import interval
from bench.shakespeare import Kept
from gradschool.engine.run import RunFolder
from gradschool.evals.classification.blend import FITS
from gradschool.models.vision.lenet import lenet_digits, netconv
from gradschool.models.vision.mlp import netfull, netlin
from gradschool.practice.ensemble.folds import go_on, labelled, train_folds
from gradschool.practice.ensemble.make import ensemble
from gradschool.practice.ensemble.result import scored
from gradschool.recipes.vision.digits import digits
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, silent

SIZES = (20, 50, 100, 200, 500, 1000)
ROOT = Path("runs", "ensembles")
SCORES = ("error", "loss")
Table = dict[str, dict[str, float]]


def members(name: str, epochs: float | None) -> dict[str, ImageRun]:
    """Five runs on a set: good and worse networks, three of them of one architecture."""
    net: Callable[..., Any]
    if name == "digits":
        start = replace(digits(), epochs=epochs or 10, precision="fp32")
        net, dense, line = lenet_digits, netfull, netlin
    else:
        start = replace(
            digits(), data=name, model=netconv, epochs=epochs or 3, learning_rate=1e-3, precision="fp32"
        )
        net, dense, line = netconv, netfull, netlin
    start = replace(start, model=net, save_every=0.5)
    return {
        "convolutions": start,
        "smoothed": replace(start, label_smoothing=0.1, learning_rate=start.learning_rate / 2),
        "short": replace(start, epochs=start.epochs / 3),
        "dense": replace(start, model=dense, learning_rate=1e-3),
        "linear": replace(start, model=line, learning_rate=1e-3),
    }


def over_folds(run: ImageRun, name: str, seed: int, place: Path, folds: int) -> RunFolder:
    """The finished run over folds: trained, gone on with, or found."""
    folder = RunFolder(place)
    if not folder.read("config.json"):
        return train_folds(run, Request(name, seed=seed, out=place), folds, silent)
    return folder if folder.read("result.json") else go_on(folder, silent)


def every_way(held: Tensor, labels: Tensor, test: Tensor, truth: Tensor) -> Table:
    """Test error and log-loss of single members, and of every way to mix them."""
    alone = [short(scored(each, truth)) for each in test]
    best = min(range(len(held)), key=lambda i: scored(held[i], labels)["test_loss"])
    found = {"single": {score: statistics.mean(each[score] for each in alone) for score in SCORES}}
    found["chosen single"] = alone[best]  # the member that is best on the held-out predictions
    for how, fit in FITS.items():
        found[how] = short(scored(fit(held, labels)(test), truth))
    return found


def short(scores: Mapping[str, float]) -> dict[str, float]:
    """Error and log-loss."""
    return {"error": 1 - scores["test_accuracy"], "loss": scores["test_loss"]}


def with_so_many(held: Tensor, labels: Tensor, test: Tensor, truth: Tensor, seed: int) -> dict[str, Table]:
    """Every way, its weights fitted on so many of the out-of-fold predictions."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    sizes = [size for size in SIZES if size < len(labels)]
    return {
        str(n): every_way(held[:, order[:n]], labels[order[:n]], test, truth) for n in [*sizes, len(labels)]
    }


def soups(folders: Mapping[str, RunFolder], place: Path) -> Table:
    """Means of weights: networks from different starts, and the checkpoints that one run has kept."""
    alike = [str(folders[name].path / "fold-1") for name in ("convolutions", "smoothed", "short")]
    one = folders["convolutions"].path / "fold-1"
    steps = [str(int(each.partition("-")[2])) for each in RunFolder(one).checkpoints.index()["all"]]
    found = {}
    for name, names, how in (
        ("soup", alike, "soup"), ("greedy soup", alike, "greedy-soup"),
        ("snapshots", [str(one), *(f"{one}@{step}" for step in steps)], "soup"),
    ):  # fmt: skip
        folder = RunFolder(place / name.replace(" ", "-"))
        if not folder.read("result.json"):
            folder = ensemble(names, how, out=folder.path)  # type: ignore[arg-type]
        found[name] = short(folder.read("result.json")["metrics"])
    return found


def of_seed(name: str, seed: int, folds: int, epochs: float | None) -> dict[str, Any]:
    """All members of one seed, and what every way to put them together reaches."""
    place = ROOT / name / str(seed)
    runs = members(name, epochs)
    folders = {each: over_folds(run, each, seed, place / each, folds) for each, run in runs.items()}
    # 1. The same data for all.
    run, _ = reopen(folders["convolutions"])
    splits = run.open(seed)
    truth = splits.test.labels
    # 2. One validation part: the first fold.
    first = [RunFolder(folder.path / "fold-1") for folder in folders.values()]
    opened = [reopen(folder)[0] for folder in first]
    val = opened[0].open(seed).val
    held = torch.stack([each.said(folder, val) for each, folder in zip(opened, first, strict=True)])
    test = torch.stack([each.said(folder, splits.test) for each, folder in zip(opened, first, strict=True)])
    by_val = every_way(held, val.labels, test, truth) | soups(folders, place)
    # 3. Out-of-fold predictions of all.
    kept = [labelled(folder) for folder in folders.values()]
    held, labels = torch.stack([logits for logits, _ in kept]), kept[0][1]
    test = torch.stack([reopen(folder)[0].said(folder, splits.test) for folder in folders.values()])
    by_oof = every_way(held, labels, test, truth)
    sizes = with_so_many(held, labels, test, truth, seed)
    return {"val": by_val, "oof": by_oof, "sizes": sizes, "fitted_on": {"val": len(val), "oof": len(labels)}}


def summed(tables: Sequence[Table]) -> dict[str, Any]:
    """Mean and 95 % interval over seeds of every way's scores, and of their differences to the plain mean."""
    found: dict[str, Any] = {}
    for way in tables[0]:
        found[way] = {}
        for score in SCORES:
            values = [table[way][score] for table in tables]
            gaps = [table[way][score] - table["mean"][score] for table in tables]
            found[way][score] = {
                "mean": statistics.mean(values), "interval": interval(values),
                "against_mean": statistics.mean(gaps), "against_interval": interval(gaps),
                "better": sum(gap < 0 for gap in gaps), "worse": sum(gap > 0 for gap in gaps),
            }  # fmt: skip
    return found


def summary(rows: Mapping[str, Any], sets: Sequence[str]) -> dict[str, Any]:
    """All tables over seeds, by set."""
    found = {}
    for name in sets:
        own = [row for key, row in rows.items() if key.startswith(f"{name} ")]
        if own:
            sizes = {n: summed([row["sizes"][n] for row in own]) for n in own[0]["sizes"]}
            parts = {part: summed([row[part] for row in own]) for part in ("val", "oof")}
            found[name] = {"seeds": len(own), **parts, "sizes": sizes, "fitted_on": own[0]["fitted_on"]}
    return {"sets": found}


def measured(name: str, seed: int, asked: argparse.Namespace) -> dict[str, Any]:
    """What one seed gives on a set."""
    return of_seed(name, seed, asked.folds, asked.epochs)


def main() -> None:
    """Read the command line, train what is missing, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sets", nargs="*", default=["digits", "kmnist10k"])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=float, help="of the longest members; 10 for digits, 3 for others")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    kept = Kept("ensembles", {"folds": asked.folds, "epochs": asked.epochs})
    for name in asked.sets:
        for seed in range(asked.seeds):
            kept.row(f"{name} {seed}", partial(measured, name, seed, asked))
            kept.write(summary(kept.rows, asked.sets))
    told = summary(kept.rows, asked.sets)["sets"]
    for name, tables in told.items():
        for part in ("val", "oof"):
            for way, scores in tables[part].items():
                error, loss = scores["error"], scores["loss"]
                gap = f"{loss['against_mean']:+.4f} {loss['against_interval']}"
                print(f"{name:<10} {part:<4} {way:<14} error {100 * error['mean']:6.2f} %  "
                      f"loss {loss['mean']:.4f}  against the plain mean {gap}")  # fmt: skip
    print(json.dumps({"name": "ensembles", "file": str(common.RESULTS / "ensembles.json")}))


if __name__ == "__main__":
    main()
